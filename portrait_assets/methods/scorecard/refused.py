"""What may not decide on credit: found by the names of columns, and by the words in them.

Sex, marriage, ethnicity, religion and health are no inputs of a model of a credit target: Equal
Credit Opportunity Act, 15 U.S.C. 1691(a), and Regulation B, 12 CFR 1002.6(b); Charter of
Fundamental Rights of the EU, article 21, and GDPR, article 9; Personal Information Protection Law
(PIPL), articles 24 and 28; Regulation on the Administration of the Credit Reporting Industry
(2013), article 14, which forbids to collect religion, genes, blood types, diseases and medical
history.

Age may only cost nothing. Regulation B lets a statistically sound system use age as long as no
applicant of 62 or more gets a negative value for it (12 CFR 1002.6(b)(2)); PIPL, article 24, and
the Charter, article 21, forbid unreasonable differences by it. What one age is given all others
lose, so that a column of age by which points would differ is refused, whichever age it rewards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

MOST_WORDS = 20
"""A text column with more distinct values than this is no list of sexes, beliefs and the like."""


class Protected(StrEnum):
    """An attribute by which nobody may be judged."""

    SEX = "sex"
    MARRIAGE = "marriage"
    ETHNICITY = "ethnicity"
    RELIGION = "religion"
    HEALTH = "health"
    AGE = "age"


CHINESE: Mapping[Protected, str] = {
    Protected.SEX: "性别",
    Protected.MARRIAGE: "婚姻",
    Protected.ETHNICITY: "民族",
    Protected.RELIGION: "宗教",
    Protected.HEALTH: "健康",
    Protected.AGE: "年龄",
}
LAW: Mapping[Protected, str] = {
    Protected.SEX: "Regulation B, 12 CFR 1002.6(b)(9); PIPL, article 24",
    Protected.MARRIAGE: "Regulation B, 12 CFR 1002.6(b)(8); PIPL, article 24",
    Protected.ETHNICITY: "Regulation B, 12 CFR 1002.6(b)(9); GDPR, article 9; PIPL, article 24",
    Protected.RELIGION: "Regulation B, 12 CFR 1002.6(b)(9); GDPR, article 9; PIPL, article 28",
    Protected.HEALTH: "GDPR, article 9; PIPL, article 28",
    Protected.AGE: "Regulation B, 12 CFR 1002.6(b)(2); PIPL, article 24",
}

# Parts of a name, however it is written together.
_STEMS: Mapping[Protected, tuple[str, ...]] = {
    Protected.ETHNICITY: (
        *("ethnic", "nationality", "nationalorigin", "citizenship", "foreignworker", "foreigner"),
        *("immigra", "migrant", "nativecountry", "nativelanguage", "mothertongue", "birthplace"),
        *("placeofbirth", "countryofbirth", "birthcountry", "countryborn", "skincolo", "minzu"),
        *("民族", "种族", "族裔", "族群", "国籍", "籍贯", "出生地", "肤色", "母语", "移民"),
    ),
    Protected.MARRIAGE: (
        *("marital", "marriage", "married", "maritial", "divorc", "widow", "spouse", "husband"),
        *("civilstatus", "civilstate", "familystatus", "famstatus", "relationshipstatus"),
        *("personalstatus", "cohabit", "hunyin", "婚", "配偶", "丧偶", "离异"),
    ),
    Protected.SEX: (
        *("gender", "femal", "woman", "women", "sexual", "salutation", "honorific", "maidenname"),
        *("pronoun", "transsex", "xingbie", "性别", "男女", "男性", "女性", "性取向", "称谓"),
    ),
    Protected.RELIGION: (*("religio", "zongjiao", "宗教", "信仰", "教派", "教会"),),
    Protected.HEALTH: (
        *("medical", "medicine", "medication", "disease", "illness", "disab", "diagnos", "patient"),
        *("hospitalis", "hospitaliz", "pregnan", "smoker", "smoking", "genetic", "handicap"),
        *("sickness", "diabet", "bloodtype", "bloodpressure", "jiankang"),
        *("健康", "疾病", "病史", "患病", "残疾", "残障", "怀孕", "孕", "医疗", "体检", "血型"),
        *("诊断", "住院", "吸烟", "基因", "就诊"),
    ),
    Protected.AGE: (
        *("birthd", "birthy", "birthm", "dateofbirth", "yearofbirth", "monthofbirth", "dateborn"),
        *("daysbirth", "dayssincebirth", "agegroup", "ageband", "agerange", "agebucket"),
        *("agebracket", "ageclass", "agecat", "ageyears", "ageinyears", "nianling", "chusheng"),
        *("年龄", "出生", "生日", "年纪", "岁"),
    ),
}
# Words that are a name, or one of its parts.
_WORDS: Mapping[Protected, frozenset[str]] = {
    Protected.ETHNICITY: frozenset({"race", "races", "racial", "tribe", "caste"}),
    Protected.MARRIAGE: frozenset({"wife", "marstat", "mstatus", "unmarried"}),
    Protected.SEX: frozenset({"male", "males", "mr", "mrs"}),
    Protected.RELIGION: frozenset(
        {
            *("faith", "creed", "denomination", "mosque", "church", "muslim", "islam", "islamic"),
            *("christian", "catholic", "protestant", "hindu", "buddhist", "jewish"),
        }
    ),
    Protected.HEALTH: frozenset(
        {
            *("health", "healthy", "bmi", "hiv", "cancer", "sick", "medic", "smokes", "gene"),
            *("hospital", "hospitals"),
        }
    ),
    Protected.AGE: frozenset({"age", "ages", "dob", "yob", "birth", "birthday", "born", "csrq"}),
}
# Words that are all of a name, but for those that say of whom, or how it is coded.
_ALONE: Mapping[Protected, frozenset[str]] = {
    Protected.ETHNICITY: frozenset(
        {
            *("black", "white", "nonwhite", "asian", "afam", "african", "hispan", "hispanic"),
            *("latino", "latina", "caucasian", "minority", "foreign", "汉族", "少数民族"),
        }
    ),
    Protected.MARRIAGE: frozenset({"single", "bachelor", "单身"}),
    Protected.SEX: frozenset({"man", "lady", "男", "女"}),
    Protected.AGE: frozenset({"senior", "elderly", "pensioner"}),
}
_HOLDERS = "cust|customer|client|cli|applicant|app|borrower|debtor|person|user|member|holder|owner"
_OF_WHOM = frozenset(
    {
        *(
            "is",
            "are",
            "was",
            "has",
            "flag",
            "ind",
            "indicator",
            "dummy",
            "code",
            "yes",
            "no",
            "yn",
        ),
        *("co", "coapplicant", "citizen", "citizens", "worker", "people", "person", "population"),
        *("pct", "percent", "percentage", "share", "rate", "tract", "是否", "1", "0"),
        *_HOLDERS.split("|"),
    }
)
_SEX = re.compile(r"(?!essex|sussex|wessex|middlesex|unisex)\w*sex|sex\w*")
_AGE = re.compile(rf"({_HOLDERS})age\d*|age\d+")
_GENERATION = ["generation"]
# What has an age, or a health, and is no person.
_THINGS = (
    "acc(?:oun)?ts?|cards?|credits?|loans?|trades?|tradelines?|tl|file|bureau|vehicles?|cars?|auto|"
    "house|home|property|building|collateral|device|phone|email|business|company|firm|debts?|bills?|"
    "invoices?|inventory|inquiry|product|address|relationship|oldest|newest"
)
_OTHER_AGES = re.compile(
    rf"(?:^| )(?:{_THINGS}) ages?(?: |$)|(?:^| )ages? (?:of|oldest|newest) (?!{_HOLDERS})|"
    r"(?:^| )ages? (?:accounts?|trades?|tradelines?|file|vehicle|car)(?: |$)|"
    r"(?:账户|账号|账|贷款|卡|车辆|车|房屋|房|企业|公司|设备|信用)年龄"
)
_OTHER_HEALTH = frozenset({"financial", "account", "credit", "fiscal", "device", "battery"})
_LATER_IS_YOUNGER = re.compile(r"birth|born|dob|yob|csrq|chusheng|出生|生日")

_VALUES: Mapping[Protected, frozenset[str]] = {
    Protected.SEX: frozenset(
        {
            *("male", "female", "man", "woman", "m", "f", "boy", "girl", "mr", "mrs", "ms", "miss"),
            *("男", "女", "男性", "女性", "先生", "女士"),
        }
    ),
    Protected.MARRIAGE: frozenset(
        {
            *("married", "single", "divorced", "widowed", "widow", "separated", "unmarried"),
            *("husband", "wife", "spouse"),
            *("已婚", "未婚", "离异", "离婚", "丧偶", "单身", "再婚"),
        }
    ),
    Protected.ETHNICITY: frozenset(
        {
            *("asian", "hispanic", "latino", "latina", "caucasian", "african", "islander"),
            *("汉族", "回族", "藏族", "满族", "壮族", "苗族", "维吾尔族", "蒙古族", "朝鲜族"),
        }
    ),
    Protected.RELIGION: frozenset(
        {
            *("christian", "muslim", "hindu", "buddhist", "jewish", "catholic", "protestant"),
            *("atheist", "orthodox", "sikh"),
            *("佛教", "道教", "基督教", "天主教", "伊斯兰教", "无宗教"),
        }
    ),
}
_UNKNOWN = frozenset({"unknown", "other", "others", "none", "未知", "不详", "其他"})


@dataclass(frozen=True)
class Refusal:
    """A column that may not be an input, the attribute that it stands for, and how it was found."""

    feature: str
    attribute: Protected
    by_values: bool = False


def refusals(frame: pl.DataFrame) -> tuple[Refusal, ...]:
    """The columns of a table that are protected by name or by their words, in order."""
    found = []
    for column in frame.iter_columns():
        if (attribute := by_name(column.name)) is not None:
            found.append(Refusal(column.name, attribute))
        elif (attribute := by_words(column)) is not None:
            found.append(Refusal(column.name, attribute, by_values=True))
    return tuple(found)


def by_name(name: str) -> Protected | None:
    """The protected attribute that a column's name stands for, in English, Chinese or pinyin.

    Case, full width and what separates words do not matter: `CODE_GENDER`, `custSex`,
    `marital-status`, `客户性别`, `DAYS_BIRTH`. What is old but no person is none: `account_age`.
    """
    words = _words(name)
    joined = "".join(words)
    for attribute, stems in _STEMS.items():
        is_named = bool(_WORDS[attribute] & set(words)) or any(stem in joined for stem in stems)
        if attribute is Protected.SEX:
            is_named = is_named or any(_SEX.fullmatch(word) for word in words)
        if attribute is Protected.AGE:
            is_named = is_named or any(_AGE.fullmatch(word) for word in words)
        is_named = is_named or (words == _GENERATION and attribute is Protected.AGE)
        is_named = is_named or _is_all_of(words, _ALONE.get(attribute, frozenset()))
        if is_named and not _is_of_something_else(attribute, words):
            return attribute
    return None


def by_words(column: pl.Series) -> Protected | None:
    """The protected attribute that most of a text column's few values are words of."""
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    values = column.drop_nulls().cast(pl.String).unique()
    if len(values) > MOST_WORDS:
        return None
    return _of_values(values.to_list())


def later_is_younger(name: str) -> bool:
    """Whether a column of age counts births, so that more of it is younger."""
    return bool(_LATER_IS_YOUNGER.search("".join(_words(name))))


def _of_values(values: Iterable[str]) -> Protected | None:
    known = [words for value in values if (words := set(_words(value))) and not words <= _UNKNOWN]
    for attribute, protected in _VALUES.items():
        named = sum(bool(protected & each) for each in known)
        if named >= 2 and 2 * named >= len(known):
            return attribute
    return None


def _words(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return [word.lower() for word in re.split(r"[\W_]+", text) if word]


def _is_all_of(words: list[str], named: frozenset[str]) -> bool:
    """Whether what a name says beside of whom it is, is one of these words."""
    says = [word for word in words if word not in _OF_WHOM]
    return len(says) == 1 and says[0].removeprefix("是否") in named


def _is_of_something_else(attribute: Protected, words: list[str]) -> bool:
    if attribute is Protected.AGE:
        return bool(_OTHER_AGES.search(" ".join(words)))
    return attribute is Protected.HEALTH and bool(_OTHER_HEALTH & set(words))
