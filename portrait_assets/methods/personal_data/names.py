"""Words by which a person's name is recognised, and words after "transfer to" that are none."""

from __future__ import annotations

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏"
    "吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武"
    "钱戴严莫孔向常汤康易乔赖文施洪季倪童颜岳耿聂梅柯俞庞殷章申葛伍阎祁路鲁岑"
)
CHINESE_NAME = (
    rf"^(?:[{_SURNAMES}]\p{{Han}}{{1,2}}|"
    r"(?:欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯)\p{Han}{1,2})$"
)
"""The 150 most frequent surnames, of nearly nine people in ten in China (Ministry of Public
Security, 2020), with a given name of one or two characters."""
GENERIC_CHINESE = (
    "银行|信用|账户|余额|商户|公司|平台|本人|他人|自己|家人|朋友|亲友|同事|基金|理财|保险|证券|微信|"
    "支付|贷|花呗|白条|对公|个人|房东|学校|医院|超市|卡|存款|定期|活期|工资|房租|水电|话费|交通|餐饮|方式"
)
GENERIC = (
    r"(?i)\b(?:accounts?|acct|savings?|saver|che(?:cking|que)|current|deposits?|cards?|credit|debit|"
    r"banks?|merchants?|wallets?|funds?|loans?|mortgages?|insur\w+|brokers?|brokerage|invest\w*|"
    r"tax\w*|governments?|authorit\w+|utilit\w+|compan\w+|inc|ltd|llc|corp\w*|shops?|stores?|own|"
    r"self|others?|another|family|friends?|persons?|people|part(?:y|ies)|abroad|overseas|foreign|"
    r"external|internal|charit\w+|employ\w+|landlords?|suppliers?|business\w*|school|university|"
    r"paypal|alipay|wechat|pension|stocks?|securities|crypto\w*|exchange|cash|atm|branch|home|work|"
    r"customers?|clients?|beneficiar\w+|payees?|individuals?|the|an|my|your|this|that|any|all)\b"
)
"""Words that make what follows "transfer to" a kind of payee, and not a person."""
_GIVEN = """
james john robert michael william david richard joseph thomas charles christopher daniel matthew
anthony mark donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy
jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin
samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose adam nathan
henry douglas zachary peter kyle walter ethan jeremy harold keith christian roger noah gerald carl
terry sean austin arthur lawrence jesse dylan bryan mary patricia jennifer linda elizabeth barbara
susan jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle
carol amanda melissa deborah stephanie rebecca sharon laura cynthia dorothy amy kathleen angela
shirley emma brenda pamela nicole anna samantha katherine christine debra rachel carolyn janet
maria olivia heather helen catherine diane julie victoria joyce lauren kelly christina ruth joan
virginia judith evelyn hannah andrea megan cheryl jacqueline madison teresa abigail sophia martha
sara gloria janice kathryn ann isabella judy charlotte julia alice jean denise frances danielle
marilyn natalie bob bill tom jim joe mike dave steve chris dan matt tony nick ben sam alex kate
liz sue jane wei fang min jing li yan juan ying lei hong jun yong jie tao ming chao xin hui bin
ping gang ali ahmed mohammed muhammad omar fatima aisha carlos luis miguel pedro ana sofia lucia
pablo
"""
GIVEN_NAMES = frozenset(_GIVEN.split())
"""Frequent given names (US Social Security Administration, names of a century; and pinyin)."""
