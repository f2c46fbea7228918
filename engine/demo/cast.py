"""Who takes part: three regions with a manager and four reps each, and the sixty customers that they look after."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Tier = Literal["KA", "A", "B", "C"]


@dataclass(frozen=True, slots=True)
class Region:
    """A region and the middle of its city, in degrees (WGS 84)."""

    name: str
    city: str
    lat: float
    lon: float
    districts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep, or, without a `manager`, a manager. `userid` None: only the directory of DingTalk knows it."""

    id: str
    employee_no: str
    name: str
    region: Region
    manager: str | None
    userid: str | None

    @property
    def odd(self) -> bool | None:
        """Whether the last digit of the employee number is odd; None: there is no digit in it."""
        digits = [character for character in self.employee_no if character.isdigit()]
        return int(digits[-1]) % 2 == 1 if digits else None

    def data(self) -> dict[str, Any]:
        """As an entity of the packs."""
        known = {"manager": self.manager, "dingtalk_userid": self.userid}
        return {
            "id": self.id,
            "employee_no": self.employee_no,
            "name": self.name,
            "region": self.region.name,
            "active": True,
            **{name: value for name, value in known.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. `categories` are what he buys or cares for; `hospital_tier` for hospitals only."""

    id: str
    name: str
    tier: Tier
    industry: str
    categories: tuple[str, ...]
    hospital_tier: str | None
    lat: float
    lon: float
    owner: str

    @property
    def key(self) -> bool:
        """Whether visits to him count as visits to a key customer."""
        return self.tier in ("KA", "A")

    def data(self) -> dict[str, Any]:
        """As an entity of the packs."""
        return {
            "id": self.id,
            "name": self.name,
            "tier": self.tier,
            "industry": self.industry,
            "categories": list(self.categories),
            "lat": self.lat,
            "lon": self.lon,
            "owner": self.owner,
            **({"hospital_tier": self.hospital_tier} if self.hospital_tier else {}),
        }


REGIONS = (
    Region("华东", "杭州", 30.2741, 120.1551, ("西湖", "拱墅", "滨江", "余杭", "萧山")),
    Region("华南", "广州", 23.1291, 113.2644, ("天河", "越秀", "海珠", "番禺", "白云")),
    Region("华北", "北京", 39.9042, 116.4074, ("朝阳", "海淀", "东城", "丰台", "通州")),
)

_MANAGERS = (("m1", "9001", "陈海燕"), ("m2", "9002", "梁志强"), ("m3", "9003", "赵国梁"))
_REPS = (
    ("1001", "王芳"),
    ("1002", "周凯"),
    ("1003", "沈佳怡"),
    ("1004", "顾明"),
    ("1005", "黄俊杰"),
    ("1006", "林晓雨"),
    ("1007", "何静"),
    ("1008", "罗伟"),
    ("1009", "吴昊"),
    ("1010", "刘洋"),
    ("1011", "孙悦"),
    ("BJ-A", "马超"),
)
"""Employee number and name, four a region; the last number holds no digit at all, as numbers in real exports do."""

INDUSTRIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "烘焙": (("麦香村", "幸福里", "小麦田", "蜜语", "暖炉"), ("烘焙坊", "面包房"), ("冷冻面团", "奶油", "烤箱")),
    "医疗": (("长江", "仁爱", "康宁", "同济", "和睦"), ("医院", "口腔医院"), ("影像设备", "耗材", "信息系统")),
    "零售": (("好邻居", "万家乐", "千禧", "百汇", "惠民"), ("超市", "便利店"), ("收银系统", "冷柜", "货架")),
    "制造": (("精诚", "宏远", "天工", "华锐", "新力"), ("机械厂", "电子厂"), ("传感器", "机械臂", "耗材")),
    "餐饮": (("老街坊", "蜀香阁", "渔家傲", "聚福楼", "小山城"), ("酒楼", "火锅店"), ("预制菜", "冷柜", "收银系统")),
    "物流": (("速达", "联运通", "捷安", "远航", "畅行"), ("物流", "仓储"), ("传感器", "货架", "信息系统")),
}
"""Industry → brands, kinds of house, and what they buy."""

_TIERS: tuple[Tier, ...] = ("KA", "A", "A", "B", "C")
"""The five customers of every rep."""


def team() -> tuple[list[Rep], list[Rep]]:
    """(managers, reps). The third manager's user id is not in the entity: the directory has to be asked."""
    managers = [
        Rep(key, number, name, region, None, None if key == "m3" else f"ding-{key}")
        for (key, number, name), region in zip(_MANAGERS, REGIONS, strict=True)
    ]
    reps = [
        Rep(f"r{index + 1}", number, name, REGIONS[index // 4], managers[index // 4].id, f"ding-r{index + 1}")
        for index, (number, name) in enumerate(_REPS)
    ]
    return managers, reps


def customers(reps: list[Rep], seed: int) -> list[Customer]:
    """Five customers for every rep, within some kilometres of the middle of his city."""
    random = Random(f"customers/{seed}")
    names = _names(random)
    found: list[Customer] = []
    for rep in reps:
        for tier in _TIERS:
            industry, name, district = names[rep.region.name].pop()
            _, _, goods = INDUSTRIES[industry]
            found.append(
                Customer(
                    id=f"c{len(found) + 1}",
                    name=f"{district}{name}",
                    tier=tier,
                    industry=industry,
                    categories=tuple(sorted(random.sample(goods, 2))),
                    hospital_tier=random.choice(("三甲", "二甲")) if industry == "医疗" else None,
                    lat=round(rep.region.lat + random.uniform(-0.06, 0.06), 6),
                    lon=round(rep.region.lon + random.uniform(-0.07, 0.07), 6),
                    owner=rep.id,
                )
            )
    return found


def _names(random: Random) -> dict[str, list[tuple[str, str, str]]]:
    """For every region (industry, name, district): each brand once a region, all regions in one shuffle of their own."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for region in REGIONS:
        names = [
            (industry, f"{brand}{random.choice(houses)}", random.choice(region.districts))
            for industry, (brands, houses, _) in INDUSTRIES.items()
            for brand in brands
        ]
        random.shuffle(names)
        found[region.name] = names
    return found
