"""Decisions in words, English and Chinese.

They are made from reason, clause, measured value and limit, never from prose in the rulebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, assert_never

from creditbank.domain.rules.clause import Measured
from creditbank.domain.rules.decision import Grant, Refusal
from creditbank.domain.rules.numbers import shown

Language = Literal["en", "zh"]
Sentence = Mapping[Language, str]


def explain(line: Grant | Refusal, language: Language = "en") -> str:
    """One line of a decision as a sentence for the person concerned."""
    match line:
        case Grant():
            return _granted(line, language)
        case Refusal():
            return _refused(line, language)
        case _:
            assert_never(line)


def _granted(grant: Grant, language: Language) -> str:
    said = _GRANTED if grant.target is None else _GRANTED_COURSE
    notes = []
    if grant.reduced_by:
        notes.append(_REDUCED[language].format(by=grant.reduced_by))
    if grant.needs_approval:
        notes.append(_APPROVAL[language])
    values = {"outcome": ", ".join(grant.outcomes), "target": grant.target, "credits": shown(grant.credits)}
    return _joined(said[language].format(**values), notes, grant.clause, language)


def _refused(refusal: Refusal, language: Language) -> str:
    step = refusal.clause.split("/")[1] if "/" in refusal.clause else ""
    reason = _REASONS.get(refusal.reason) or _STEPS.get(step, _OTHERWISE)
    said = reason[language].format(
        outcome=", ".join(refusal.outcomes), target=refusal.target or "", code=refusal.reason
    )
    measured = _MEASURED.get(step)
    notes = []
    if measured and refusal.measured is not None and refusal.limit is not None:
        both = {"measured": _text(refusal.measured), "limit": _text(refusal.limit)}
        notes.append(measured[language].format(**both))
    return _joined(said, notes, refusal.clause, language)


def _joined(said: str, notes: list[str], clause: str, language: Language) -> str:
    """No clause says that a certificate has to be valid: every rulebook takes that for granted."""
    match language:
        case "en":
            rule = f" (Rule {clause}.)" if clause else ""
            return f"{' '.join([said + '.', *notes])}{rule}"
        case "zh":
            rule = f"（规则 {clause}）" if clause else ""
            return f"{''.join([said + '。', *notes])}{rule}"
        case _:
            assert_never(language)


def _text(value: Measured) -> str:
    if isinstance(value, tuple):
        return " / ".join(map(_text, value))
    return str(value) if value is None or isinstance(value, str | bool) else str(shown(value))


_GRANTED: Final[Sentence] = {"en": "{outcome} counts for {credits} credits", "zh": "{outcome} 可转换 {credits} 学分"}
_GRANTED_COURSE: Final[Sentence] = {
    "en": "{outcome} replaces the course {target} with {credits} credits",
    "zh": "{outcome} 可免修课程 {target}，计 {credits} 学分",
}
_REDUCED: Final[Sentence] = {"en": "It was reduced by {by}.", "zh": "已按“{by}”减少。"}
_APPROVAL: Final[Sentence] = {"en": "It still needs approval.", "zh": "尚需审批。"}
_OTHERWISE: Final[Sentence] = {"en": "It is refused with the code {code}", "zh": "不予认定，原因代码 {code}"}

_MEASURED: Final[Mapping[str, Sentence]] = {
    "caps": {
        "en": "With it there would be {measured}, the limit is {limit}.",
        "zh": "计入后为 {measured}，上限为 {limit}。",
    },
    "require": {"en": "Found was {measured}, required is {limit}.", "zh": "实际为 {measured}，要求为 {limit}。"},
    "validity": {
        "en": "Asked for on {measured}, valid until {limit}.",
        "zh": "申请日期 {measured}，有效期至 {limit}。",
    },
    "exclusive": {
        "en": "Its rank is {measured}, the highest is {limit}.",
        "zh": "其等级序为 {measured}，最高为 {limit}。",
    },
    "pool_round": {"en": "{measured} in all make no {limit}.", "zh": "合计 {measured}，不足 {limit} 的整数倍。"},
    "window": {"en": "Asked for on {measured}, the bound is {limit}.", "zh": "申请日期 {measured}，期限为 {limit}。"},
}

_STEPS: Final[Mapping[str, Sentence]] = {
    "exclude": {"en": "The rules exclude this ({code})", "zh": "规则将其排除（{code}）"},
    "require": {"en": "A requirement is not met ({code})", "zh": "不满足规则的要求（{code}）"},
    "validity": {"en": "It is out of date ({code})", "zh": "已超过有效期（{code}）"},
    "once": {"en": "It counts only once and has been used ({code})", "zh": "只能计算一次，且已使用（{code}）"},
    "caps": {"en": "A ceiling would be exceeded ({code})", "zh": "将超过上限（{code}）"},
}

_REASONS: Final[Mapping[str, Sentence]] = {
    "LEVEL_NOT_ALLOWED_FOR_COURSE_TYPE": {
        "en": "A certificate of this level cannot replace this type of course",
        "zh": "该等级的证书不能用于此类课程",
    },
    "CAP_PER_OUTCOME": {
        "en": "{outcome} alone would replace too many credits",
        "zh": "单个成果 {outcome} 转换的学分将超过上限",
    },
    "CAP_PROGRAMME_TOTAL": {
        "en": "The programme accepts no more converted credits",
        "zh": "该专业可转换的学分总量已达上限",
    },
    "CAP_SOURCE_KIND": {"en": "This kind of outcome has reached its ceiling", "zh": "此类成果的学分已达上限"},
    "CAP_BUCKET": {"en": "This group of courses has reached its ceiling", "zh": "该课程模块的学分已达上限"},
    "CAP_EXTERNAL": {"en": "Too many credits would come from outside", "zh": "来自校外的学分将超过上限"},
    "CAP_COUNT": {"en": "Too many outcomes would count", "zh": "可计算的成果数量已达上限"},
    "CAP_COUNT_ELECTIVE": {"en": "Too many outcomes would count as electives", "zh": "选修类成果数量已达上限"},
    "CAP_COUNT_PER_YEAR": {"en": "The number for this year is used up", "zh": "本年度的次数已用完"},
    "CAP_TERM": {"en": "The credits for this term are used up", "zh": "本学期的学分已达上限"},
    "CAP_YEAR": {"en": "The credits for this academic year are used up", "zh": "本学年的学分已达上限"},
    "CAP_INSTITUTION": {
        "en": "Too many credits would come from one institution",
        "zh": "来自同一机构的学分将超过上限",
    },
    "CAP_STAGE": {"en": "The credits for this stage are used up", "zh": "该阶段的学分已达上限"},
    "COURSE_ALREADY_SATISFIED": {"en": "The course {target} is replaced already", "zh": "课程 {target} 已被替代"},
    "ALREADY_REDEEMED": {"en": "{outcome} has been redeemed already", "zh": "{outcome} 已兑换"},
    "ALREADY_USED_FOR_PURPOSE": {"en": "{outcome} has served this purpose already", "zh": "{outcome} 已用于同类用途"},
    "SUPERSEDED_BY_HIGHER_LEVEL": {
        "en": "A higher outcome of the same family counts instead",
        "zh": "同类成果中以更高等级的为准",
    },
    "OUTCOME_EXPIRED": {"en": "{outcome} is out of date", "zh": "{outcome} 已超过有效期"},
    "OVERLAP_TOO_LOW": {"en": "The contents have too little in common", "zh": "内容重合度不足"},
    "TARGET_NOT_EXEMPTIBLE": {"en": "The course {target} can never be replaced", "zh": "课程 {target} 不可免修"},
    "MAJOR_EXCLUDED": {"en": "The rule is closed to this programme", "zh": "该专业不适用此规则"},
    "ELECTIVE_NOT_ALLOWED": {"en": "This degree takes no electives of this kind", "zh": "该学位不接受此类选修学分"},
    "NOT_RECOGNISED_SOURCE": {"en": "This kind of qualification is not recognised", "zh": "此类资格不予认可"},
    "SOURCE_NOT_TRANSFERABLE": {"en": "This kind of course cannot be transferred", "zh": "此类课程不可转换"},
    "NOT_AUTHORISED_DEPOSITOR": {"en": "Who deposited it was not allowed to", "zh": "存入机构未获授权"},
    "GRADE_TOO_LOW": {"en": "The grade is too low", "zh": "成绩未达到要求"},
    "PRECONDITION_NOT_MET": {"en": "Something else must be earned first", "zh": "尚未满足前置条件"},
    "RANK_NOT_COUNTED": {"en": "This place in the team does not count", "zh": "该团队名次不计算"},
    "INCOMPLETE_SET": {"en": "The set of outcomes is not complete", "zh": "成果组合不完整"},
    "NO_RULE": {"en": "No rule covers this", "zh": "没有适用的规则"},
    "ROUNDED_TO_ZERO": {"en": "Nothing is left of it after rounding down", "zh": "向下取整后无剩余学分"},
    "MISSING_INPUT": {"en": "Something that the rule needs is not known", "zh": "缺少规则所需的信息"},
    "WINDOW_CLOSED": {"en": "The time for this is over or has not begun", "zh": "不在受理期限内"},
    "OUTCOME_REVOKED": {"en": "{outcome} has been revoked", "zh": "{outcome} 已被撤销"},
    "OUTCOME_HELD": {"en": "{outcome} is on hold", "zh": "{outcome} 已被冻结"},
    "OUTCOME_RESERVED": {"en": "{outcome} is reserved for another application", "zh": "{outcome} 已被其他申请占用"},
    "CREDITS_USED": {"en": "{outcome} has too few credits left", "zh": "{outcome} 剩余学分不足"},
}
