"""The sentences of every refusal in English and Chinese, and the choice between the two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Language = Literal["en", "zh-CN"]

_QUALITY = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", re.ASCII)


class Message(NamedTuple):
    """Title and detail of one code. Details may name `{facts}`; a fact that is missing reads as an ellipsis."""

    title_en: str
    detail_en: str
    title_zh: str
    detail_zh: str


MESSAGES: Mapping[str, Message] = {
    "malformed_json": Message(
        "Malformed JSON", "The body is not one well-formed JSON document in UTF-8.",
        "JSON 格式错误", "请求正文不是格式正确的 UTF-8 JSON 文档。",
    ),
    "malformed_form": Message(
        "Malformed form", "The body is not a form with one part named file.",
        "表单格式错误", "请求正文不是含有 file 部分的表单。",
    ),
    "idempotency_key_missing": Message(
        "Idempotency key missing",
        "This request needs an Idempotency-Key header of 1 to 255 visible ASCII characters, bare or quoted.",
        "缺少幂等键", "此请求需要 Idempotency-Key 标头：1 至 255 个可见 ASCII 字符，可加引号。",
    ),
    "cursor_invalid": Message(
        "Invalid cursor", "The cursor was not issued by this bank for this list and these filters.",
        "游标无效", "该游标不是本行为此列表及筛选条件签发的。",
    ),
    "unauthenticated": Message(
        "Not authenticated", "Send a valid API key or access token as a Bearer credential, or sign in.",
        "未通过身份验证", "请以 Bearer 方式提供有效的 API 密钥或访问令牌，或先登录。",
    ),
    "forbidden": Message(
        "Forbidden", "These credentials do not allow this.",
        "无权访问", "当前凭据无权执行此操作。",
    ),
    "cross_site_request": Message(
        "Cross-site request",
        "A request that changes something came from another site, or does not say where it came from;"
        " use the bank's own pages in a current browser.",
        "跨站请求", "会改变数据的请求来自其他网站，或未表明来源；请使用新版浏览器在本行页面操作。",
    ),
    "reauthentication_required": Message(
        "Sign in again",
        "This cannot be undone or shows much at once: sign in again, then repeat it within 10 minutes.",
        "需要重新登录", "此操作不可撤销或涉及大量数据：请重新登录，并在 10 分钟内再次提交。",
    ),
    "account_unknown": Message(
        "No account", "The bank holds no account for the identity document that your identity provider has named.",
        "没有账户", "本行没有与您身份提供方所示证件对应的账户。",
    ),
    "organisation_suspended": Message(
        "Organisation suspended", "The organisation that you act for is suspended; ask the authority.",
        "机构已暂停", "您所代表的机构已被暂停，请与主管机构联系。",
    ),
    "identity_incomplete": Message(
        "Identity incomplete",
        "Your identity provider has not named an identity document that the bank can read: ask its support.",
        "身份信息不完整", "您的身份提供方未提供本行可识别的证件信息，请与其客服联系。",
    ),
    "sign_in_failed": Message(
        "Sign-in failed", "The sign-in could not be confirmed, or took too long. Start again.",
        "登录失败", "无法确认此次登录，或登录已超时。请重新开始。",
    ),
    "sign_in_not_configured": Message(
        "Sign-in not set up", "This bank has no identity provider: people cannot sign in, programs can.",
        "未启用登录", "本行未配置身份提供方：个人无法登录，程序可照常访问。",
    ),
    "provider_unavailable": Message(
        "Identity provider unavailable", "The identity provider does not answer as it should; try again in a while.",
        "身份提供方不可用", "身份提供方未正常响应，请稍后再试。",
    ),
    "not_found": Message(
        "Not found", "There is nothing here, or nothing that you may see.",
        "未找到", "此处没有内容，或您无权查看。",
    ),
    "method_not_allowed": Message(
        "Method not allowed", "This path does not know the method; the Allow header lists those that it knows.",
        "不支持的方法", "此路径不支持该方法；可用方法见 Allow 标头。",
    ),
    "conflict": Message(
        "Conflict", "The request contradicts the facts as they stand.",
        "冲突", "请求与现有事实相冲突。",
    ),
    "organisation_exists": Message(
        "Organisation exists", "An organisation of this code exists with other content.",
        "机构已存在", "此代码的机构已存在，且内容不同。",
    ),
    "standard_exists": Message(
        "Standard exists", "A standard of this code exists with other content.",
        "标准已存在", "此代码的标准已存在，且内容不同。",
    ),
    "programme_exists": Message(
        "Programme exists", "A programme of this code exists with other content.",
        "专业已存在", "此代码的专业已存在，且内容不同。",
    ),
    "import_repeated": Message(
        "File imported before", "These bytes were imported before; import_id names that import. Send force to repeat.",
        "文件已导入过", "内容完全相同的文件已导入过，见 import_id；确需重复导入请加 force。",
    ),
    "too_many_imports": Message(
        "Too many imports", "The bank keeps no more files of one organisation; wait until older ones are deleted.",
        "导入文件过多", "该机构保留的导入文件已达上限，请等待较早的文件删除后再上传。",
    ),
    "certificate_duplicate": Message(
        "Certificate already recorded", "The same person already holds this certificate; certificate_id names it.",
        "证书已登记", "同一人已持有该证书，见 certificate_id。",
    ),
    "certificate_number_taken": Message(
        "Certificate number taken", "This number of this issuer belongs to another person.",
        "证书编号已被占用", "该颁证机构的此编号属于他人。",
    ),
    "keys_exhausted": Message(
        "Too many live keys", "The organisation has {limit} live keys in this role; revoke one of them first.",
        "有效密钥过多", "该机构在此角色下已有 {limit} 个有效密钥，请先撤销其中之一。",
    ),
    "member_exists": Message(
        "Member exists", "This subject of this issuer is a member already; member_id names it.",
        "成员已存在", "该身份提供方的此主体已是成员，见 member_id。",
    ),
    "account_not_open": Message(
        "Account not open", "The account is {status} and takes no such request.",
        "账户不可用", "账户状态为“{status}”，不能受理此请求。",
    ),
    "account_merged": Message(
        "Account merged", "The account was merged into another one; merged_into names it.",
        "账户已合并", "该账户已并入另一账户，见 merged_into。",
    ),
    "wrong_state": Message(
        "Wrong state", "The {thing} is {status}; this cannot be done from there.",
        "状态不符", "{thing}当前状态为“{status}”，不能执行此操作。",
    ),
    "second_person_needed": Message(
        "Second person needed", "This act needs two persons; another one than the one who asked has to approve it.",
        "须由第二人批准", "此操作须经两人办理，批准人不得为申请人本人。",
    ),
    "outcome_reserved": Message(
        "Credits reserved", "The credits are held by a pending application until {lapses_at}.",
        "学分已被预留", "学分已被一项待定申请占用，至 {lapses_at} 失效。",
    ),
    "document_taken": Message(
        "Document taken", "This document belongs to the account of another person.",
        "证件已被占用", "该证件属于他人的账户。",
    ),
    "too_many_open_requests": Message(
        "Too many open requests", "The learner waits for answers to as many requests as may be open at once.",
        "待处理申请过多", "该账户待处理的申请已达上限。",
    ),
    "precondition_failed": Message(
        "Precondition failed", "The account has changed since the version in If-Match; read it again.",
        "前提条件不成立", "账户在 If-Match 所示版本之后已有变动，请重新读取。",
    ),
    "body_too_large": Message(
        "Body too large", "The body exceeds what this path takes.",
        "请求正文过大", "请求正文超过此路径的上限。",
    ),
    "malformed_request": Message(
        "Malformed request", "What was sent is no HTTP request.",
        "请求格式错误", "所发送的内容不是 HTTP 请求。",
    ),
    "header_too_large": Message(
        "Header too large", "The request line and headers exceed what the bank takes.",
        "请求标头过大", "请求行与标头超过上限。",
    ),
    "content_encoded": Message(
        "Content encoded", "The body is compressed; send it as it is.",
        "内容已编码", "请求正文经过压缩，请发送未压缩的正文。",
    ),
    "request_timeout": Message(
        "Request timeout", "The request did not arrive in time.",
        "请求超时", "请求未能及时送达。",
    ),
    "unsupported_media_type": Message(
        "Unsupported media type", "Send the body as application/json.",
        "不支持的媒体类型", "请以 application/json 发送请求正文。",
    ),
    "refused": Message(
        "Refused", "The request was understood and refused by a rule.",
        "已拒绝", "请求已被理解，但依规则予以拒绝。",
    ),
    "validation_failed": Message(
        "Validation failed", "Some fields are at fault; errors lists each of them.",
        "校验未通过", "部分字段有误，详见 errors。",
    ),
    "consent_required": Message(
        "Consent required", "The learner has not agreed to this, or has taken the consent back.",
        "需要学习者同意", "学习者未同意，或已撤回同意。",
    ),
    "guardian_consent_required": Message(
        "Guardian's consent required",
        "The person is under 14; holder.guardian_consent has to say that a guardian agrees.",
        "需要监护人同意", "该人未满十四周岁，须以 holder.guardian_consent 表明监护人同意。",
    ),
    "retention_applies": Message(
        "Retention applies", "Records must be kept until {until}: {basis}. Until then their use can be restricted.",
        "须依规保存", "依据“{basis}”，记录须保存至 {until}；在此之前可限制其使用。",
    ),
    "identity_number_invalid": Message(
        "Invalid identity number", "The document number fails the check of its type.",
        "证件号码无效", "证件号码未通过该证件类型的校验。",
    ),
    "standard_unknown": Message(
        "Unknown standard", "The bank knows no such certificate standard.",
        "标准不存在", "本行没有该证书标准。",
    ),
    "level_unknown": Message(
        "Unknown level", "The standard has no such level.",
        "等级不存在", "该标准没有此等级。",
    ),
    "organisation_unknown": Message(
        "Unknown organisation", "The bank knows no such organisation.",
        "机构不存在", "本行没有该机构。",
    ),
    "programme_unknown": Message(
        "Unknown programme", "The institution has no such programme.",
        "专业不存在", "该院校没有此专业。",
    ),
    "rulebook_unknown": Message(
        "Unknown rulebook", "There is no such rulebook, or none in force on that day.",
        "规则不存在", "没有该规则，或当日无有效版本。",
    ),
    "organisation_not_accredited": Message(
        "Organisation not accredited", "The issuer held no accreditation for this standard and level on that day.",
        "机构未获授权", "颁证机构当日未获该标准与等级的授权。",
    ),
    "issued_in_future": Message(
        "Issued in the future", "The day of issue has not come yet.",
        "颁发日期在未来", "颁发日期尚未到来。",
    ),
    "number_contradicts_record": Message(
        "Number contradicts the record", "The certificate number says something else than the fields sent with it.",
        "编号与内容不符", "证书编号的含义与所提交的字段不一致。",
    ),
    "idempotency_key_reused": Message(
        "Idempotency key reused", "This key was used before with another request.",
        "幂等键重复使用", "此幂等键已用于内容不同的请求。",
    ),
    "not_eligible": Message(
        "Not eligible", "Nothing can be granted; the decision says why.",
        "不符合条件", "无可认定的内容，原因见所附决定。",
    ),
    "not_attempted": Message(
        "Not attempted", "The line was fit and not written, because the batch was refused as a whole.",
        "未执行", "该行本身无误，因整批被拒绝而未写入。",
    ),
    "rate_limited": Message(
        "Too many requests", "Ask again after the time in Retry-After.",
        "请求过于频繁", "请在 Retry-After 所示时间之后重试。",
    ),
    "internal_error": Message(
        "Internal error", "The bank failed to answer. Quote request_id when you report it.",
        "内部错误", "系统未能处理该请求。反馈时请提供 request_id。",
    ),
    "unavailable": Message(
        "Unavailable", "The bank cannot answer now; ask again with the same Idempotency-Key.",
        "暂时不可用", "系统暂时无法处理，请使用同一幂等键重试。",
    ),
    "history_behind": Message(
        "History is behind", "Published history is missing in the database; nothing is written until it is back.",
        "历史记录不完整", "数据库缺少已公布的历史记录；恢复之前不接受任何写入。",
    ),
}  # fmt: skip


class FaultMessage(NamedTuple):
    """What is wrong with one field."""

    en: str
    zh: str


FAULTS: Mapping[str, FaultMessage] = {
    "body_missing": FaultMessage("A JSON body is needed.", "缺少 JSON 请求正文。"),
    "column_unknown": FaultMessage(
        "There is no such column, or none that can be the same in every row.",
        "没有此列，或该列不能为所有行指定同一值。",
    ),
    "date_invalid": FaultMessage("Must be a real date, written YYYY-MM-DD.", "应为真实存在的日期，格式 YYYY-MM-DD。"),
    "credits_invalid": FaultMessage(
        'Must be decimal text with at most four places, such as "1.5".', '应为至多四位小数的十进制文本，如 "1.5"。'
    ),
    "field_missing": FaultMessage("Is missing.", "缺少此字段。"),
    "field_unknown": FaultMessage("Is not a known field.", "未知字段。"),
    "header_malformed": FaultMessage("Does not have the form of this header.", "标头格式不正确。"),
    "header_repeated": FaultMessage("May be sent only once.", "只能发送一次。"),
    "instant_invalid": FaultMessage(
        "Must be an instant with zone, such as 2026-07-01T08:00:00Z.", "应为带时区的时刻，如 2026-07-01T08:00:00Z。"
    ),
    "nul_character": FaultMessage("Must not contain the NUL character.", "不得包含 NUL 字符。"),
    "personal_number": FaultMessage("Must not name a person by a number.", "不得包含个人号码。"),
    "out_of_range": FaultMessage("Is outside the allowed range.", "超出允许范围。"),
    "pattern_mismatch": FaultMessage("Does not have the required form.", "格式不符合要求。"),
    "case_failed": FaultMessage("The rules do not decide as this case expects.", "规则的结论与该用例不符。"),
    "certificate_unknown": FaultMessage("This account holds no such certificate.", "该账户没有此证书。"),
    "jwks_or_secret": FaultMessage(
        "A client has either keys (jwks) or a secret, one of them.", "客户端须且仅须具备 jwks 密钥或 secret 之一。"
    ),
    "key_malformed": FaultMessage("Is not a well-formed JSON Web Key.", "不是格式正确的 JSON Web Key。"),
    "key_not_public": FaultMessage(
        "Is a private or symmetric key: keep it, register its public part only.",
        "这是私钥或对称密钥：请勿外传，只登记其公钥。",
    ),
    "kid_repeated": FaultMessage("Two keys have the same name (kid).", "其中两个密钥的 kid 相同。"),
    "key_too_weak": FaultMessage("An RSA key must have 2048 to 4096 bits.", "RSA 密钥须为 2048 至 4096 位。"),
    "key_unsupported": FaultMessage(
        "Must be a key for signatures: Ed25519, P-256 or RSA.", "应为签名密钥：Ed25519、P-256 或 RSA。"
    ),
    "mixed_targets": FaultMessage(
        "Either all requests name a course, for an exemption, or none does, for a conversion.",
        "要么每项申请都指明课程（免修），要么都不指明（转换）。",
    ),
    "organisation_missing": FaultMessage(
        "Only the authority's members may be of no organisation.", "只有主管机构的成员可以不属于任何机构。"
    ),
    "role_not_held": FaultMessage("The organisation does not have this role.", "该机构没有此角色。"),
    "scope_not_held": FaultMessage("The role does not have this scope.", "该角色没有此权限。"),
    "same_account": FaultMessage("An account cannot be merged into itself.", "账户不能并入自身。"),
    "step_out_of_order": FaultMessage("Another role is the next to approve.", "下一步应由另一角色审批。"),
    "target_unknown": FaultMessage("The programme has no such course.", "该专业没有此课程。"),
    "term_too_long": FaultMessage("Ends later than this may end.", "有效期超过上限。"),
    "type_unknown": FaultMessage("There is no such event type.", "没有此事件类型。"),
    "too_few": FaultMessage("Has too few items.", "条目过少。"),
    "too_long": FaultMessage("Is too long.", "内容过长。"),
    "too_many": FaultMessage("Has too many items.", "条目过多。"),
    "too_short": FaultMessage("Is too short.", "内容过短。"),
    "uuid_invalid": FaultMessage("Must be a UUID.", "应为 UUID。"),
    "value_invalid": FaultMessage("Is not a fitting value.", "取值不正确。"),
    "value_unknown": FaultMessage("Is not one of the allowed values.", "不在允许的取值之内。"),
    "wrong_type": FaultMessage("Is of the wrong JSON type.", "JSON 类型不正确。"),
}

WORDS_ZH: Mapping[str, str] = {
    "account": "账户",
    "active": "有效",
    "application": "申请",
    "approval": "审批",
    "approved": "已批准",
    "certificate": "证书",
    "client": "客户端",
    "closed": "已注销",
    "confirmed": "已确认",
    "consent": "同意",
    "conversion": "学分转换",
    "erased": "已清除",
    "cancelled": "已取消",
    "final": "已终审",
    "finished": "已完成",
    "import": "导入任务",
    "importing": "导入中",
    "reading": "读取中",
    "running": "进行中",
    "waiting": "待确认",
    "exemption": "课程免修",
    "expired": "已过期",
    "held": "已暂停",
    "lapsed": "已失效",
    "merged": "已合并",
    "open": "正常",
    "organisation": "机构",
    "declined": "已驳回",
    "done": "已办理",
    "pending": "待批准",
    "refused": "已拒绝",
    "released": "已释放",
    "request": "申请",
    "reservation": "预留",
    "restricted": "受限",
    "reversed": "已撤回",
    "revoked": "已撤销",
    "share": "共享",
    "suspended": "已冻结",
    "under_review": "复核中",
    "withdrawn": "已撤回",
}
"""Facts that are words of the contract, for Chinese sentences."""


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def sentences(code: str, facts: Mapping[str, str], language: Language) -> tuple[str, str]:
    """Title and detail of a code. Raises KeyError for a code that the catalogue does not hold."""
    message = MESSAGES[code]
    if language == "zh-CN":
        known = {name: WORDS_ZH.get(fact, fact) for name, fact in facts.items()}
        return message.title_zh, message.detail_zh.format_map(_Facts(known))
    return message.title_en, message.detail_en.format_map(_Facts(facts))


def fault_sentence(code: str, detail: str, language: Language) -> str:
    """The sentence of one field at fault; the given English detail stands where there is no Chinese one."""
    return FAULTS[code].zh if language == "zh-CN" and code in FAULTS else detail


def preferred(accept_language: str | None) -> Language:
    """The language that an Accept-Language header ranks highest, the first of equals; English without any."""
    if not accept_language or "zh" not in accept_language.lower():
        return "en"
    best, best_weight = "en", 0.0
    for entry in accept_language[:500].lower().split(","):
        tag, _, parameter = entry.partition(";")
        primary = tag.strip().partition("-")[0]
        weight = _weight(parameter)
        if primary in {"en", "zh", "*"} and weight > best_weight:
            best, best_weight = primary, weight
    return "zh-CN" if best == "zh" else "en"


def _weight(parameter: str) -> float:
    quality = _QUALITY.fullmatch(parameter.strip())
    return float(quality[1]) if quality else 1.0
