"""The words of the synthetic bank: names, places, and templates of what people write.

Data only. Names are put together at random from common characters; texts are filled templates.
"""

from __future__ import annotations

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
"""From the commonest down; the weight of the n-th is taken as 1 / (n + 6)."""
GIVEN_FEMALE = "芳娜敏静丽艳娟霞秀玲燕红梅莉萍兰英慧洁雪琳婷颖倩雯欣怡佳悦涵萱晴岚蓉菲瑶"
GIVEN_MALE = "伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆旭阳峰博文轩睿泽晨昊然"
GIVEN_SECOND = "子雨嘉思梓志建国海晓天家永春玉小文金立新云"
SIMILAR = {
    "芳": "方",
    "静": "靖",
    "丽": "莉",
    "伟": "玮",
    "杰": "洁",
    "明": "名",
    "华": "桦",
    "涛": "滔",
}
"""Given characters that are mistaken for others of the same sound."""

REGIONS: tuple[tuple[str, int], ...] = (
    ("广东", 126),
    ("山东", 102),
    ("河南", 99),
    ("江苏", 85),
    ("四川", 84),
    ("河北", 75),
    ("湖南", 66),
    ("浙江", 65),
    ("安徽", 61),
    ("湖北", 58),
    ("广西", 50),
    ("云南", 47),
    ("江西", 45),
    ("辽宁", 43),
    ("福建", 42),
    ("陕西", 40),
    ("贵州", 39),
    ("山西", 35),
    ("重庆", 32),
    ("黑龙江", 32),
    ("新疆", 26),
    ("甘肃", 25),
    ("上海", 25),
    ("吉林", 24),
    ("内蒙古", 24),
    ("北京", 22),
    ("天津", 14),
    ("海南", 10),
    ("宁夏", 7),
    ("青海", 6),
    ("西藏", 4),
)
"""Provinces and their weights."""
ROADS = ("示例路", "样本街", "演示大道", "虚构巷", "模拟路", "测试街")
"""No such roads: an address must not be anyone's."""

EDUCATION = ("primary", "secondary", "college", "bachelor", "postgraduate")
MARITAL = ("single", "married", "divorced", "widowed")
HOMES = ("owner", "renter", "with_family")
HOUSEHOLDS = ("single", "couple", "couple_with_children", "extended")
INCOME_BANDS = ("5万以下", "5-10万", "10-20万", "20-50万", "50万以上")
INCOME_EDGES = (50_000, 100_000, 200_000, 500_000)

STEPS: dict[str, tuple[str, ...]] = {
    "app": ("login", "browse", "product_detail", "apply", "submit"),
    "web": ("landing", "login", "browse", "apply", "submit"),
    "branch": ("queue", "counter", "advice", "sign", "receipt"),
    "phone": ("menu", "identify", "agent", "solution", "confirm"),
}
"""Steps of a journey by channel; people stop after any of them."""

TOPICS = (
    "手机银行",
    "信用卡账单",
    "转账限额",
    "网点排队",
    "贷款审批",
    "基金赎回",
    "短信提醒",
    "客服热线",
)
SURVEY_GOOD = (
    "{topic}用起来很方便,会推荐给朋友。",
    "对{topic}总体满意,希望继续保持。",
    "{topic}处理得很快,工作人员有耐心。",
)
SURVEY_POOR = (
    "{topic}体验不好,等了很久。",
    "{topic}的流程太复杂,希望简化。",
    "问了几次{topic}的问题,没有人回复。",
)
COMPLAINT = (
    "关于{topic}:{when}反映的问题至今没有解决,请{wish}。",
    "{when}办理{topic}业务时被多次要求补材料,请{wish}。",
    "{topic}收费与告知的不一致,{when}已致电一次,请{wish}。",
    "{when}{topic}出现故障,影响正常使用,请{wish}。",
)
WHEN = ("昨天", "上周", "上个月", "三天前", "月初", "周末", "两周前")
WISH = ("尽快处理", "给出说明", "退还费用", "安排专人回电", "改进服务", "书面答复")
NOTE = (
    "{where}面谈:客户{state},关注{interest},建议{advice}。",
    "电话回访:客户{state},提到{interest},下一步{advice}。",
    "客户来访{where},咨询{interest},{state},拟{advice}。",
)
WHERE = ("网点", "理财室", "客户单位", "社区活动")
STATE = ("态度积极", "比较犹豫", "时间紧张", "对风险较谨慎", "收益期望较高", "计划下季度再定")
INTEREST = (
    "三年定期利率",
    "稳健型理财",
    "子女教育金",
    "养老规划",
    "经营周转资金",
    "提前还贷",
    "基金定投",
    "外出消费额度",
)
ADVICE = (
    "发送产品资料",
    "两周后再联系",
    "做一次风险测评",
    "邀请参加讲座",
    "请产品经理陪同",
    "暂不推荐",
)
POST_GOOD = (
    "示例银行的{topic}终于更新了,好用!",
    "今天用{topic},几分钟就办完了,点赞。",
    "{topic}活动返现到账,开心。",
)
POST_POOR = (
    "示例银行的{topic}又卡住了,无语。",
    "{topic}打了半小时没人接,失望。",
    "吐槽一下{topic},界面越改越难用。",
)
