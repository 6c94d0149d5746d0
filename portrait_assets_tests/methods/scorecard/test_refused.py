"""What may not decide on credit is found by name, in both languages, and by its words."""

import polars as pl
import pytest

from portrait_assets.methods.scorecard.refused import (
    CHINESE,
    LAW,
    Protected,
    by_name,
    by_words,
    later_is_younger,
    refusals,
)

NAMES = {
    Protected.SEX: "sex SEX gender CODE_GENDER custSex applicantsex sexcode is_female Male 性别 "
    "客户性别 男女 Ｓｅｘ salutation sexual_orientation xingbie lady 是否男 是否女",
    Protected.MARRIAGE: "marital marital-status MaritalStatus marital.status marriage MARRIAGE "
    "is_married NAME_FAMILY_STATUS spouse_income personal_status civil_status divorced 婚姻 "
    "婚姻状况 婚否 已婚 配偶姓名 hunyin wife single is_single applicant_single 是否单身",
    Protected.ETHNICITY: "race ethnicity ethnic_group nationality native-country foreign_worker "
    "citizenship country_of_birth 民族 种族 国籍 籍贯 出生地 minzu black hispan afam white "
    "applicant_black minority tract_minority_population_percent foreign 少数民族 是否汉族",
    Protected.RELIGION: "religion Religious_Belief church_member muslim 宗教 宗教信仰 zongjiao",
    Protected.HEALTH: "health health_status medical_history disease disability has_diabetes bmi "
    "pregnant smoker hospital_days 健康状况 疾病 病史 残疾 是否怀孕 血型 jiankang",
    Protected.AGE: "age AGE Age_Years age_in_years customer_age custage ageGroup age_band "
    "age_at_loan_start applicant_age_at_credit age_of_borrower 贷款人年龄 持卡人年龄 generation "
    "senior_citizen SeniorCitizen birth_date DateOfBirth dob YOB DAYS_BIRTH year_of_birth 年龄 "
    "年龄段 出生日期 生日 nianling",
}
FREE = (
    "income credit_amount account_age age_of_oldest_trade vehicle_age months_since_last_purchase "
    "page percentage average usage mortgage language stage message agency single_premium essex "
    "county_sussex account_health education job children housing telephone brace trace manager "
    "germany title status relationship_manager marketing 收入 账龄 车龄 职业 学历 子女数 余额 "
    "response_ms n_miss foreign_currency_balance lead_generation aged_debt hospitality_spend "
    "islamabad credit_card_age age_oldest_tl avg_age_accounts loan_age_months 信用卡年龄 账户年龄 "
    "black_list blacklisted white_collar white_goods single_loan foreign_trade lead "
    "senior_debt minority_interest human_reviewed many_loans wage coverage package "
    "age_of_account 房龄 unisex_brand"
)


@pytest.mark.parametrize(
    ("attribute", "name"),
    [(attribute, name) for attribute, names in NAMES.items() for name in names.split()],
)
def test_a_protected_attribute_is_known_by_its_names(attribute: Protected, name: str):
    assert by_name(name) is attribute


@pytest.mark.parametrize("name", FREE.split())
def test_other_names_are_free(name: str):
    assert by_name(name) is None


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        (["male", "female", None], Protected.SEX),
        (["M", "F"], Protected.SEX),
        (["男", "女", "未知"], Protected.SEX),
        (["male : single", "female : divorced/married"], Protected.SEX),
        (["Husband", "Wife", "Own-child", "Unmarried"], Protected.MARRIAGE),
        (["已婚", "未婚", "离异"], Protected.MARRIAGE),
        (["汉族", "回族", "其他"], Protected.ETHNICITY),
        (["佛教", "基督教", "无宗教"], Protected.RELIGION),
        (["S", "M", "L"], None),
        (["single", "joint"], None),
        (["black", "white", "red"], None),
        ([f"city {n}" for n in range(30)] + ["male", "female"], None),
    ],
)
def test_columns_of_words_are_known_whatever_their_name(
    values: list[str | None], attribute: Protected | None
):
    assert by_words(pl.Series("x7", values)) is attribute


def test_refusals_are_in_the_order_of_the_table():
    frame = pl.DataFrame({"x7": ["m", "f"], "income": [1, 2], "年龄": [30, 40]})
    found = [(each.feature, each.attribute, each.by_values) for each in refusals(frame)]
    assert found == [("x7", Protected.SEX, True), ("年龄", Protected.AGE, False)]


def test_births_count_the_other_way():
    assert later_is_younger("birth_date")
    assert later_is_younger("出生日期")
    assert not later_is_younger("age")


def test_every_attribute_has_its_law_and_its_name_in_chinese():
    assert set(LAW) == set(CHINESE) == set(Protected)
