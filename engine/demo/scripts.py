"""The thirty talk-track scripts: what colleagues found works, by industry, purpose, scene and kind of goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PURPOSES = ("price", "delivery", "technical", "routine")
SCENES = ("first_visit", "negotiation", "after_sales")

ANY = "any"
"""The industry of a script that suits everybody."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script. An unverified one is never shown."""

    id: str
    scene: str
    text: str
    industry: str
    category: str | None
    purpose: str | None
    verified: bool
    author: str

    def data(self) -> dict[str, Any]:
        """As an entity of the packs."""
        known = {"category": self.category, "purpose": self.purpose}
        return {
            "id": self.id,
            "scene": self.scene,
            "text": self.text,
            "industry": self.industry,
            "verified": self.verified,
            "author": self.author,
            **{name: value for name, value in known.items() if value is not None},
        }


_BOOK: tuple[tuple[str, str | None, str | None, str, str], ...] = (
    (
        "烘焙",
        "冷冻面团",
        "price",
        "negotiation",
        "冷冻面团每只省八分钟人工，按您每天三百只算，一个月省一名师傅的工时。",
    ),
    ("烘焙", "奶油", "technical", "first_visit", "我们的奶油在28度操作间打发四小时不塌，可以现场用您的机器试。"),
    ("烘焙", "烤箱", "delivery", "after_sales", "备用烤箱放在同城仓，坏一台当天换，门店不停炉。"),
    ("烘焙", None, "routine", "after_sales", "这个月的爆款是抹茶系列，我带了三家同行的陈列照片给您看。"),
    ("医疗", "影像设备", "technical", "first_visit", "这台设备的重复扫描率低三成，放射科主任最在意的就是这个数字。"),
    ("医疗", "耗材", "price", "negotiation", "按例次付费，用多少付多少，科室不占库存。"),
    ("医疗", "信息系统", "delivery", "negotiation", "上线分三步走，门诊不停诊；同级别医院平均六周完成。"),
    ("医疗", None, "routine", "after_sales", "上季度的维保报告我打印好了，两处小问题已经处理。"),
    ("零售", "收银系统", "technical", "first_visit", "断网也能收银，恢复后自动对账，大促当天不排队。"),
    ("零售", "冷柜", "price", "negotiation", "新冷柜一年省电费两千一，差价十四个月回本。"),
    ("零售", "货架", "delivery", "negotiation", "夜间安装，早上开门前收工，不影响一天的生意。"),
    ("零售", None, "routine", "after_sales", "附近两家店换了端架陈列，客单价涨了，照片在这里。"),
    ("制造", "传感器", "technical", "first_visit", "先装十个点跑两周，用您自己的停机记录来验证。"),
    ("制造", "机械臂", "price", "negotiation", "按节拍算，一条线两年半回本，这是同类工厂的核算表。"),
    ("制造", "耗材", "delivery", "after_sales", "安全库存放在您车间，用后结算，缺料风险由我们承担。"),
    ("制造", None, "routine", "after_sales", "上次提的振动问题，工程师整理了三条建议，今天当面对一遍。"),
    ("餐饮", "预制菜", "price", "negotiation", "后厨少一个切配岗，出菜快四分钟，翻台多半轮。"),
    ("餐饮", "冷柜", "technical", "first_visit", "双温区，海鲜和蔬菜分开，化霜不用清柜。"),
    ("餐饮", "收银系统", "delivery", "negotiation", "周一闭店时切换，周二照常营业，员工培训半小时。"),
    ("餐饮", None, "routine", "after_sales", "最近点评里提得最多的是上菜速度，我们一起看看后厨动线。"),
    ("物流", "传感器", "technical", "first_visit", "冷链温度每分钟一条记录，客户索赔时直接导出。"),
    ("物流", "货架", "price", "negotiation", "同样面积多放两成托盘，仓租一年就省回来。"),
    ("物流", "信息系统", "delivery", "negotiation", "先接一条线路，司机用手机扫码，两周看签收率。"),
    ("物流", None, "routine", "after_sales", "上月破损率降了，我把三个改动点做成了一页纸。"),
    (ANY, None, "price", "negotiation", "先别谈折扣，我们按三年总成本算一笔账。"),
    (ANY, None, "delivery", "negotiation", "我把交付计划写成日期表，每一步都有负责人。"),
    (ANY, None, "technical", "first_visit", "问题写下来，技术同事明天十点给您书面答复。"),
    (ANY, None, "price", "negotiation", "现在下单再送三年质保，错过没有。"),
    ("医疗", "耗材", "technical", "first_visit", "我们的耗材全市场最好，您放心用。"),
    ("零售", "冷柜", "price", "first_visit", "隔壁店都买了，您也该换了。"),
)
"""Industry, category, purpose, scene, text. The last three are nobody's proven words, and unverified."""

_UNVERIFIED = 3


def scripts(authors: list[str]) -> list[Script]:
    """All thirty, written in turn by `authors` (ids of reps)."""
    return [
        Script(
            id=f"s{index + 1:02d}",
            scene=scene,
            text=text,
            industry=industry,
            category=category,
            purpose=purpose,
            verified=index < len(_BOOK) - _UNVERIFIED,
            author=authors[index % len(authors)],
        )
        for index, (industry, category, purpose, scene, text) in enumerate(_BOOK)
    ]
