"""What the pages say, in English and in Chinese. Problems have their sentences where all problems have them."""

from __future__ import annotations

from collections.abc import Mapping

from creditbank.api.messages import Language

TEXTS: Mapping[str, tuple[str, str]] = {
    "bank": ("Credit bank", "学分银行"),
    "skip": ("Skip to content", "跳到正文"),
    "sign_in": ("Sign in", "登录"),
    "sign_in_again": ("Sign in again", "重新登录"),
    "sign_in_as_learner": ("Sign in as a learner", "以学习者身份登录"),
    "sign_out": ("Sign out", "退出登录"),
    "not_signed_in": ("You are not signed in.", "您尚未登录。"),
    "by_provider": (
        "Your identity provider tells the bank who you are. The bank knows no passwords.",
        "由身份提供方确认您的身份，本行不保存密码。",
    ),
    "signed_in": ("You are signed in", "您已登录"),
    "signed_out": ("You are signed out", "您已退出"),
    "signed_out_more": (
        "You may still be signed in at your identity provider. On a shared device, sign out there too.",
        "您在身份提供方可能仍处于登录状态；使用公用设备时，请在该处一并退出。",
    ),
    "role": ("Role", "角色"),
    "organisation": ("Organisation", "机构"),
    "account": ("Account", "账户"),
    "member": ("Member", "成员"),
    "until": ("Signed in until", "登录有效期至"),
    "until_more": (
        "Eight hours after you last did something, and after a day at the latest.",
        "最后操作八小时后失效，最长一天。",
    ),
    "authority": ("Authority", "主管机构"),
    "issuer": ("Issuer", "培训评价组织"),
    "institution": ("Institution", "院校"),
    "auditor": ("Auditor", "审计"),
    "learner": ("Learner", "学习者"),
    "home": ("First page", "首页"),
    "request": ("Request", "请求编号"),
    "reference": ("API reference", "接口文档"),
}  # fmt: skip


def text(name: str, language: Language) -> str:
    """Raises KeyError for what no page says."""
    return TEXTS[name][1 if language == "zh-CN" else 0]
