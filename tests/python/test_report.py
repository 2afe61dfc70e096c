"""The report: one page that needs nothing else, true to the views, and lists that a spreadsheet opens rightly."""

import csv
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from copies import copy_project
from psycopg.conninfo import make_conninfo
from support import Outcome, add_target, commands_of, execute, run_command

from engagement_panel.figures import NO_CHECKOUTS
from sandbox.profiles import write_profile

# Of students who are away longest, at the head of the list of those to call.
HOSTILE_NAMES = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>&amp;",
    '=HYPERLINK("http://example.org";"ver")',
    "+593 9 9999",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "＝1+1",
    'Peña; "Ñusta", Ángel',
]
VOID_ELEMENTS = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """A page's elements as (tag, attributes, text), in the order in which they begin; each must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID_ELEMENTS:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for index in self.open:
            self.elements[index][2].append(data)

    def texts(self, tag: str, **attributes: str) -> list[str]:
        """Give the text of each element of that tag and attributes."""
        return [
            "".join(text).strip()
            for found, given, text in self.elements
            if found == tag and attributes.items() <= given.items()
        ]

    def rows(self, list_name: str) -> list[list[str]]:
        """Give the cells of the table in a section, the heading row first."""
        rows, section = [], None
        for tag, attributes, text in self.elements:
            section = attributes.get("id") if tag == "section" else section
            if section == list_name and tag == "tr":
                rows.append([])
            elif section == list_name and tag in ("th", "td"):
                rows[-1].append("".join(text).strip())
        return rows


# Nobody is near a threshold, so that the panel is the same for as long as the tests take.
SCHOOL = """
insert into students
select n, case n when 1 then '' when 2 then null else 'Ausente ' || n end, 'A1' from generate_series(1, 60) as n
union all values
    (101, 'Ángel Ñacato', 'C1'), (102, 'Belén Peña', null), (103, 'Constante', 'B1'), (104, 'De vuelta', 'B2'),
    (105, null, 'A2'), (106, 'Nunca vino', null);
insert into student_attendance
select n, now() - (n + days) * interval '1 day'
from generate_series(1, 60) as n, (values (20.5), (24.5)) as visits (days)
union all
select student_id, now() - interval '1 hour' - visit * interval '0.9 days'
from (values (101, 30), (102, 21), (103, 10)) as regulars (student_id, visits), generate_series(0, visits - 1) as visit
union all values
    (104, now() - interval '1 hour'), (104, now() - interval '40 days'),
    (105, now() - interval '8.5 days'), (105, now() - interval '12.5 days');
insert into learning.at_risk_learners values (1, true, false), (2, false, true), (3, null, null);
"""


@pytest.fixture(scope="module")
def database(make_database, deployed_template) -> str:
    uri = make_database("school", template=deployed_template)
    with psycopg.connect(uri) as connection:
        connection.execute(SCHOOL)
        for number, name in enumerate(HOSTILE_NAMES, start=1001):
            connection.execute("insert into students values (%s, %s, '=A1')", [number, name])
            connection.execute("insert into student_attendance values (%s, now() - interval '900.5 days')", [number])
    return uri


@pytest.fixture(scope="module")
def profile(database, workspace) -> Path:
    return write_profile(workspace / "report", database)


@pytest.fixture(scope="module")
def written(profile, database) -> tuple[datetime, Path, datetime]:
    """Give the folder of the report, and when its writing began and ended by the server's clock."""
    began = now_at(database)
    folder = profile / "reports" / "monday"
    assert run_command(profile, "report", "--output", str(folder)).succeeded().output == f"{folder / 'panel.html'}\n"
    return began, folder, now_at(database)


def now_at(database: str) -> datetime:
    """Give the server's time in Guayaquil."""
    return execute(database, "select now()")[0][0].astimezone(ZoneInfo("America/Guayaquil"))


@pytest.fixture(scope="module")
def folder(written) -> Path:
    return written[1]


@pytest.fixture(scope="module")
def html(folder) -> str:
    return (folder / "panel.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def read_csv(folder: Path, name: str) -> list[list[str]]:
    content = (folder / f"{name}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "without the mark Excel reads accents wrongly"
    return list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=";"))


def test_nobody_else_may_look_into_the_folder_with_peoples_names(folder):
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_page_needs_no_network_and_no_script(page, html, folder):
    assert not {tag for tag, *_ in page.elements} & {"script", "link", "img", "iframe", "object", "base"}
    for _, attributes, _ in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        target = attributes.get("href", "")
        assert target.startswith("#") or not target or (folder / target).exists()
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_the_page_can_be_listened_to(page):
    assert ("meta", {"charset": "utf-8"}) in [element[:2] for element in page.elements]
    assert [attributes["lang"] for tag, attributes, _ in page.elements if tag == "html"] == ["es"]
    assert len(page.texts("h1")) == 1
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {given["aria-labelledby"] for _, given, _ in page.elements if "aria-labelledby" in given} <= set(ids)
    links = [given["href"] for tag, given, _ in page.elements if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)

    tables = page.texts("table")
    assert len(tables) == 13 == len(page.texts("caption"))  # nine pictures, four lists
    assert all(page.texts("caption"))
    assert page.texts("figcaption") == page.texts("caption")[:9], "charts are seen with their titles, too"
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes, _ in page.elements if tag == "th")

    pictures = [index for index, (tag, *_) in enumerate(page.elements) if tag == "svg"]
    assert len(pictures) == 9
    for index in pictures:
        assert page.elements[index][1]["role"] == "img"
        title, _, text = page.elements[index + 1]
        assert title == "title" and "".join(text)


def test_the_key_figures_are_those_of_the_school(page):
    assert dict(zip(page.texts("dt"), page.texts("dd"), strict=True)) == {
        "Vinieron en 7 días": "4 =\xa00,0\xa0% frente a los 7 días anteriores",
        "En 14 días": "5",
        "En 30 días": "14",
        "En 180 días": "65",
        "De los del mes, esta semana": "28,6\xa0%",
        "Minutos en 7 días": "0 sin semana anterior con que comparar",
        "Días entre visitas, promedio": "2,8",
        "Días entre visitas, mediana": "4,0",
        "Activos sin venir 7 días o más": "70",
        "Activos sin venir 14 días o más": "69",
        "Activos sin venir 30 días o más": "60",
        "Activos sin venir 180 días o más": "9",
    }


def test_the_figures_are_those_of_the_views(page, database):
    heads = dict(zip(page.texts("th", scope="row"), page.texts("td"), strict=False))  # the figures' tables come first
    buckets = {"180 o más": "9", "De 30 a 179": "51", "De 14 a 29": "9", "De 7 a 13": "1", "Menos de 7": "5"}
    bins = {"0": "61", "1": "5", "2": "6", "3": "0", "4": "0", "5": "0", "6-7": "0", "8-10": "1", "11+": "2"}
    assert (buckets | bins).items() <= heads.items()
    for label, (rate,) in zip(
        ("Mañana, 8 a 12", "Tarde, 12 a 17", "Noche, 17 a 20"),
        execute(database, "select return_rate from mgmt.engagement_daypart_retention_v"),
        strict=True,
    ):
        assert heads[label] == f"{100 * rate:.1f}".replace(".", ",") + "\xa0%"
    assert any("nunca (1) cuenta" in note for note in page.texts("p", **{"class": "note"}))
    assert {*buckets, *buckets.values(), *bins, *bins.values(), "Noche, 17 a 20"} <= {*page.texts("text")}


def test_each_section_has_its_heading_and_each_list_says_who_is_in_it(page):
    lists = ["Por llamar (70)", "Alto compromiso (2)", "Regresos (1)", "Doble riesgo (3)"]
    assert page.texts("h2") == ["Cifras clave", "Tendencias", "Horarios", "Alumnos", *lists]
    assert [text for text in page.texts("p") if text.startswith("Alumnos activos")] == [
        "Alumnos activos con 7 días o más sin venir; primero quien lleva más tiempo ausente.",
        "Alumnos activos con 5 visitas o más en 30 días y un puntaje de constancia de 60 o más, de 100;"
        " desde 85, embajadores potenciales.",
        "Alumnos activos que volvieron en los últimos 14 días tras 14 días o más de ausencia; primero el más reciente.",
        "Alumnos activos con 14 días o más sin venir que, además, preocupan en su aprendizaje.",
    ]


def test_whom_to_call(page, folder):
    headings, *called = page.rows("por_llamar")
    assert headings == ["Nombre", "N.º", "Nivel", "Días sin venir", "Días entre visitas"]
    assert len(called) == 50, "the page shows the first fifty"
    tiles = [page.texts("a", href=f"#{section}") for section in ("alumnos", "por_llamar", "regresos")]
    assert tiles == [["75 alumnos"], ["70 por llamar"], ["1 regresos"]]
    assert {row[3] for row in called[:9]} == {"900"}
    assert called[9] == ["Ausente 60", "60", "A1", "80", "4,0"]
    assert called[-1] == ["Ausente 20", "20", "A1", "40", "4,0"]
    numbers = [heading for heading in headings if heading in page.texts("th", scope="col", **{"class": "number"})]
    assert numbers == ["Días sin venir", "Días entre visitas"]
    assert {"80", "4,0"} <= {*page.texts("td", **{"class": "number"})}
    assert "Los primeros 50 de 70." in " ".join(page.texts("section", id="por_llamar"))
    links = [given["href"] for tag, given, _ in page.elements if tag == "a" and given["href"].endswith(".csv")]
    assert sorted(links) == sorted(file.name for file in folder.glob("*.csv"))

    assert read_csv(folder, "por_llamar")[0] == headings
    listed = read_csv(folder, "por_llamar")[1:]
    assert len(listed) == 70, "the file has all"
    assert listed[9] == ["Ausente 60", "60", "A1", "80,50", "4,00"]
    assert listed[-1] == ["", "105", "A2", "8,50", "4,00"]


def test_who_is_highly_engaged(page, folder):
    assert page.rows("alto_compromiso") == [
        ["Nombre", "N.º", "Nivel", "Visitas en 30 días", "Puntaje", "Distinción"],
        ["Ángel Ñacato", "101", "C1", "30", "99", "Embajador potencial"],
        ["Belén Peña", "102", "–", "21", "69", ""],
    ]
    _, first, second = read_csv(folder, "alto_compromiso")
    assert first[:4] == ["Ángel Ñacato", "101", "C1", "30"]
    assert second[2:4] == ["", "21"]


def test_who_came_back(page, folder, database):
    ((returned,),) = execute(database, "select return_date from mgmt.engagement_recent_reactivated_14d_v")
    (headings, shown), (_, listed) = page.rows("regresos"), read_csv(folder, "regresos")
    assert headings == ["Nombre", "N.º", "Volvió el", "Días de ausencia"]
    assert listed == ["De vuelta", "104", str(returned), "39"]
    assert (shown[0], shown[1], shown[3]) == ("De vuelta", "104", "39")
    assert f"\xa0{returned.day}\xa0" in shown[2]


def test_who_is_at_dual_risk(page, folder):
    expected = [
        ["Nombre", "N.º", "Nivel", "Días sin venir", "Aprendizaje"],
        ["Ausente 3", "3", "A1", "23", "En riesgo"],
        ["Sin nombre", "2", "A1", "22", "Avanza lento"],
        ["Sin nombre", "1", "A1", "21", "No avanza"],
    ]
    assert page.rows("doble_riesgo") == expected
    assert [row[3] for row in read_csv(folder, "doble_riesgo")[1:]] == ["23,50", "22,50", "21,50"]


def test_names_are_text_on_the_page_and_in_the_spreadsheet(page, html, folder):
    assert "<script" not in html and "<img" not in html
    shown = {row[0] for row in page.rows("por_llamar")}
    assert {name.strip() for name in HOSTILE_NAMES} <= shown
    _, *rows = read_csv(folder, "por_llamar")
    cells = {row[1]: row for row in rows}
    for number, name in enumerate(HOSTILE_NAMES, start=1001):
        assert cells[str(number)][0] == (name if name[0] in '<"P' else f"'{name}")
        assert cells[str(number)][2] == "'=A1"


def test_the_page_says_when_and_where_it_is_of(page, written):
    began, _, ended = written
    header = page.texts("header")[0]
    (said,) = re.findall(r" (\d+) de \w+ de (\d+), (\d+:\d+)\n", header)
    first = began.replace(second=0, microsecond=0)
    minutes = [first + n * timedelta(minutes=1) for n in range((ended - first) // timedelta(minutes=1) + 1)]
    assert said in [(str(each.day), str(each.year), f"{each:%H:%M}") for each in minutes]
    assert header.endswith("Hora de America/Guayaquil, base de datos school")
    assert page.texts("title")[0] == "Panel de compromiso, " + header.partition("Situación al ")[2].partition("\n")[0]


@pytest.mark.parametrize("colour", ["ink", "soft", "accent"])
def test_what_is_written_can_be_read_on_white(html, colour):
    (hexadecimal,) = re.findall(rf"--{colour}: #(\w{{6}});", html)
    parts = [int(hexadecimal[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5, "WCAG's contrast for text"


def test_an_unfinished_bar_is_paler(html):
    (opacity,) = re.findall(r"\.unfinished \{ fill-opacity: ([\d.]+); \}", html)
    assert float(opacity) < 0.7


def test_a_panel_without_a_row_is_a_page_too(panel_database, workspace):
    profile = write_profile(workspace / "report of nobody", panel_database)
    run_command(profile, "report", "--output", str(profile / "written")).succeeded()
    page = Page((profile / "written" / "panel.html").read_text(encoding="utf-8"))
    assert page.texts("p").count("Nadie por ahora.") == 4
    assert {*page.texts("td")} == {"0", "0,0\xa0%"}
    assert NO_CHECKOUTS not in page.texts("p")


def test_the_page_of_a_school_without_checkouts_says_why_it_has_no_minutes(profile, workspace):
    with commands_of(copy_project(workspace / "no checkouts", engagement_attendance_checkout_time_column=None)):
        run_command(profile, "report", "--output", str(profile / "no checkouts")).succeeded()
    page = Page((profile / "no checkouts" / "panel.html").read_text(encoding="utf-8"))
    assert NO_CHECKOUTS in page.texts("section", id="horarios")[0]


@pytest.mark.parametrize("autocommit", [False, True])
def test_all_is_read_in_one_transaction_that_can_write_nothing(make_database, deployed_template, workspace, autocommit):
    """Two views are replaced by ones that show the transaction that reads them."""
    uri = make_database("report of itself", template=deployed_template)
    seen = (
        "concat_ws(' ', current_setting('transaction_isolation'), current_setting('transaction_read_only'), now(),"
        " pg_current_xact_id_if_assigned())"
    )
    execute(
        uri,
        f"""
        create or replace view mgmt.engagement_session_frequency_30d_v as
        select {seen} as bin_label, 1 as student_count;
        create or replace view mgmt.engagement_dual_risk_students_v as
        select 1 as student_id, {seen} as full_name, null as level, '30+ días' as engagement_issue,
            'Slow' as learning_issue, 30::numeric as days_since_last_checkin
        """,
    )
    profile = write_profile(workspace / f"report of itself {autocommit}", uri)
    add_target(profile, "itself", autocommit=autocommit)
    run_command(profile, "report", "--output", str(profile / "written")).succeeded()
    page = Page((profile / "written" / "panel.html").read_text(encoding="utf-8"))
    ((name, *_),) = page.rows("doble_riesgo")[1:]
    assert name.startswith("repeatable read on 20")
    assert page.texts("th", scope="row").count(name) == 2


def report_of(workspace: Path, uri: str, name: str) -> Outcome:
    """Have a report written that cannot be; nothing may be left of it."""
    profile = write_profile(workspace / name, uri)
    outcome = run_command(profile, "report", "--output", str(profile / "written")).exited_with(2)
    assert not (profile / "written").exists()
    assert outcome.output == ""
    assert outcome.errors.count("\n") == 1
    return outcome


def test_a_server_that_is_down_is_told_in_one_line(database, workspace):
    nowhere = make_conninfo(database, host="/nowhere")
    assert 'connection to server on socket "/nowhere' in report_of(workspace, nowhere, "down").errors


def test_a_sandbox_that_is_down_is_told_with_how_to_start_it(database, workspace, monkeypatch):
    monkeypatch.setattr("engagement_panel.target.SANDBOX_PROFILE", workspace / "sandbox down")
    outcome = report_of(workspace, make_conninfo(database, host="/nowhere"), "sandbox down")
    assert outcome.errors == "The sandbox is not running: `make demo` starts it.\n"
    misspelt = run_command(workspace / "sandbox down", "report", "--target", "prdo").exited_with(2)
    assert "does not have a target named 'prdo'" in misspelt.errors


def test_a_database_without_the_panel_is_told_in_one_line(make_database, workspace):
    outcome = report_of(workspace, make_database("without panel"), "without panel")
    assert outcome.errors == (
        'Database without panel: relation "mgmt.engagement_active_counts_v" does not exist.'
        " Run `dbt build` on it first.\n"
    )


def test_a_role_whose_time_runs_out_is_told_in_one_line(database, workspace):
    execute(database, "create role report_hasty login superuser; alter role report_hasty set lock_timeout = '10ms'")
    with psycopg.connect(database) as connection:
        connection.execute("lock table students")
        outcome = report_of(workspace, make_conninfo(database, user="report_hasty"), "hasty")
    assert outcome.errors.startswith("canceling statement due to lock timeout")


def test_a_role_that_may_not_read_the_panel_is_told_in_one_line(database, workspace):
    execute(database, "create role report_strangers; create role report_stranger login in role report_strangers")
    stranger = make_conninfo(database, user="report_stranger")
    outcome = report_of(workspace, stranger, "unread")
    assert outcome.errors.startswith("Role report_stranger: permission denied for schema mgmt.")
    assert "deployment_readers" in outcome.errors

    profile = write_profile(workspace / "unread by a role", stranger)
    add_target(profile, "strangers", role="report_strangers")
    outcome = run_command(profile, "report", "--output", str(profile / "written")).exited_with(2)
    assert outcome.errors.startswith("Role report_strangers: permission denied for schema mgmt.")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(profile, tmp_path):
    (tmp_path / "file").touch()
    outcome = run_command(profile, "report", "--output", str(tmp_path / "file" / "report"))
    assert (outcome.exit_code, outcome.output) == (2, "")
    assert outcome.errors == f"[Errno 20] Not a directory: '{tmp_path / 'file' / 'report'}'\n"


def test_without_a_profile_the_demo_is_named(workspace):
    outcome = run_command(workspace / "no profile", "report").exited_with(2)
    assert outcome.errors.startswith("There is no profiles.yml: `make demo`")
