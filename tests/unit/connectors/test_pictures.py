from __future__ import annotations

import hashlib
import io
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from PIL import Image, ImageDraw

from connectors import ConnectorError
from connectors.pictures import fonts
from connectors.pictures.heatmap import Point, heatmap
from connectors.pictures.projection import METRES_PER_DEGREE, Box, around, bar
from connectors.pictures.watermark import stamp

SHANGHAI = timezone(timedelta(hours=8))
END = datetime(2026, 3, 16, 9, 0, tzinfo=SHANGHAI)
START = END - timedelta(days=7)
BOX = Box(0, 0, 900, 500)


def points(count, step=0.01):
    return [Point(31.2 + n * step, 121.4 + (n * 7 % 5) * step, START + timedelta(hours=n)) for n in range(count)]


def draw(some, **more):
    return heatmap(some, title="李雷 近7天拜访轨迹", start=START, end=END, **more)


def pixels(picture):
    with Image.open(io.BytesIO(picture.png)) as image:
        return image.convert("RGB")


def texts(monkeypatch):
    """What is written on pictures from now on."""
    written = []
    real = ImageDraw.ImageDraw.text

    def text(self, xy, text, *args, **kwargs):
        written.append(text)
        return real(self, xy, text, *args, **kwargs)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return written


@pytest.mark.parametrize("count", [0, 1, 7, 60])
def test_a_heat_map_is_a_png_of_the_asked_size_that_says_the_count(count, monkeypatch):
    written = texts(monkeypatch)
    picture = draw(points(count))
    assert pixels(picture).size == (960, 640)
    assert f"{count} 次签到" in written
    assert "李雷 近7天拜访轨迹" in written
    assert "2026-03-09 09:00 – 2026-03-16 09:00" in written


def test_the_alternative_text_travels_with_the_picture():
    picture = draw(points(7))
    assert picture.alt == "李雷 近7天拜访轨迹:2026-03-09 09:00 – 2026-03-16 09:00,7 次签到"
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.info["Description"] == picture.alt


def test_the_same_points_in_any_order_give_the_same_bytes():
    some = points(20)
    assert draw(some).png == draw(list(reversed(some))).png
    assert draw(some).png != draw(some[1:]).png


def test_no_check_ins_are_said_so(monkeypatch):
    written = texts(monkeypatch)
    picture = draw([])
    assert "近7天没有签到记录" in written
    assert "近7天没有签到记录" in picture.alt
    assert not any(text.endswith((" km", " m")) for text in written), "no scale without a place"


def test_only_check_ins_of_the_period_are_drawn_both_ends_included():
    outside = [Point(31.2, 121.4, START - timedelta(seconds=1)), Point(31.2, 121.4, END + timedelta(seconds=1))]
    inside = [Point(31.2, 121.4, START), Point(31.3, 121.5, END)]
    assert draw(inside + outside).png == draw(inside).png
    assert "2 次签到" in draw(inside + outside).alt


def test_positions_that_are_not_on_earth_are_left_out():
    nowhere = [Point(float("nan"), 1.0, END), Point(1.0, float("inf"), END), Point(95.0, 0.0, END)]
    assert draw(nowhere).png == draw([]).png


def test_times_of_another_zone_are_told_in_the_period_s(monkeypatch):
    written = texts(monkeypatch)
    draw([Point(31.2, 121.4, datetime(2026, 3, 15, 23, 30, tzinfo=UTC))])
    assert "最近 03-16 07:30" in written


def test_seven_in_one_place_are_one_disc_with_a_number_and_the_hottest_colour(monkeypatch):
    written = texts(monkeypatch)
    image = pixels(draw([Point(31.2, 121.4, START + timedelta(hours=n)) for n in range(7)]))
    assert "7" in written
    red, green, blue = image.getpixel((480, 343 - 22))
    assert red > 180
    assert green < 150
    assert blue < 130


def test_without_a_cjk_font_the_words_are_english_and_no_chinese_is_drawn(monkeypatch):
    written = texts(monkeypatch)
    picture = heatmap(points(7), title="李雷 近7天", start=START, end=END, font=fonts.latin())
    heatmap([], title="李雷", start=START, end=END, font=fonts.latin())
    assert "7 check-ins" in written
    assert "No check-ins in 7 days" in written
    assert all(character.isascii() for text in written for character in text)
    assert "7 次签到" in picture.alt, "the Chinese stays in the message"


def test_characters_that_a_font_lacks_are_dropped_and_never_drawn_as_boxes():
    assert fonts.latin().clean("访 Li 销 7") == "Li 7"
    assert fonts.find().clean("李雷\U0001f600") == "李雷"
    assert not fonts.latin().cjk
    assert fonts.find().cjk


def test_a_face_is_found_in_the_extra_when_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", list)
    fonts.find.cache_clear()
    assert "notosanscjk" in str(fonts.find().path).lower()
    monkeypatch.setattr(fonts, "find_spec", lambda _: None)
    fonts.find.cache_clear()
    assert fonts.find() is fonts.latin()
    monkeypatch.undo()
    fonts.find.cache_clear()


def test_a_font_by_path_is_taken_and_a_wrong_path_is_an_error():
    path = fonts.find().path
    assert fonts.find(str(path)).path == path
    with pytest.raises(OSError, match="resource"):
        fonts.find("/nowhere/font.ttf")


def test_a_long_title_is_cut_with_an_ellipsis(monkeypatch):
    written = texts(monkeypatch)
    heatmap(points(1), title="很长的标题" * 20, start=START, end=END)
    assert any(text.startswith("很长的标题") and text.endswith("…") for text in written)


@pytest.mark.parametrize("lat", [0.0, 31.2, 60.0])
def test_a_kilometre_is_as_long_to_the_east_as_to_the_north(lat):
    projection = around([(lat, 121.0), (lat + 0.1, 121.3)], BOX, margin=50, least=600)
    x0, y0 = projection.place(projection.lat, projection.lon)
    north = projection.place(projection.lat + 1000 / METRES_PER_DEGREE, projection.lon)
    degrees = 1000 / METRES_PER_DEGREE / math.cos(math.radians(projection.lat))
    east = projection.place(projection.lat, projection.lon + degrees)
    assert y0 - north[1] == pytest.approx(1000 / projection.metres_per_pixel)
    assert east[0] - x0 == pytest.approx(1000 / projection.metres_per_pixel)


def test_every_point_lies_inside_the_margin():
    spread = [(31.0, 121.0), (31.4, 121.1), (31.2, 121.9)]
    projection = around(spread, BOX, margin=50, least=600)
    for lat, lon in spread:
        x, y = projection.place(lat, lon)
        assert 49.999 <= x <= 850.001
        assert 49.999 <= y <= 450.001


def test_the_date_line_does_not_tear_a_track_apart():
    projection = around([(0.0, 179.99), (0.0, -179.99)], BOX, margin=50, least=600)
    west, east = projection.place(0.0, 179.99)[0], projection.place(0.0, -179.99)[0]
    assert 0 < east - west <= 800.001
    assert projection.metres_per_pixel < 10


@pytest.mark.parametrize(
    ("metres_per_pixel", "pixels_long", "label"),
    [
        (1.0, 100.0, "100 m"),
        (1.2, 500 / 3, "200 m"),
        (8.0, 125.0, "1 km"),
        (100.0, 100.0, "10 km"),
        (2.8, 178.57, "500 m"),
    ],
)
def test_the_scale_bar_is_the_longest_round_one_that_fits(metres_per_pixel, pixels_long, label):
    length, text = bar(metres_per_pixel, 180)
    assert text == label
    assert length == pytest.approx(pixels_long, abs=0.01)


def photo(kind):
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (90, 140, 90)).save(out, kind)
    return out.getvalue()


def stamped(data, **more):
    return stamp(data, time=END, lat=30.2741, lon=120.1551, rep="李雷", customer="杭州甜里烘焙", **more)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_stamp_says_when_where_who_and_at_whom(kind, monkeypatch):
    written = texts(monkeypatch)
    data = photo(kind)
    result = stamped(data)
    assert written == ["2026-03-16 09:00:00 +0800", "30.274100, 120.155100", "销售 李雷 客户 杭州甜里烘焙"]
    assert result.format == kind
    assert result.original_sha256 == hashlib.sha256(data).hexdigest()
    assert result.stamped_sha256 == hashlib.sha256(result.image).hexdigest()
    with Image.open(io.BytesIO(result.image)) as image:
        assert (image.format, image.size) == (kind, (640, 480))
    assert stamped(data).image == result.image


def test_the_stamp_darkens_the_foot_and_leaves_the_rest():
    result = stamped(photo("PNG"))
    with Image.open(io.BytesIO(result.image)) as image:
        assert image.getpixel((600, 10)) == (90, 140, 90)
        assert sum(image.getpixel((639, 478))) < 250


def test_what_is_no_photo_is_refused():
    with pytest.raises(ConnectorError) as caught:
        stamped(b"%PDF-1.7")
    assert caught.value.code == "bad_image"
