"""Seeds: their rows are replaced at one stroke or, where the new ones are wrong, not at all."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import psycopg
import pytest
import yaml
from deployment import PARK, PAUSES, WAITS_AT_THE_PARK, MakePanel, Panel, on_each_server, wait_until
from psycopg import IsolationLevel
from support import Outcome

pytest_plugins = ["deployment"]
pytestmark = pytest.mark.filterwarnings("ignore:.*does not match the name of any column:RuntimeWarning")  # of a CSV

STOP_HALFWAY = f"""
create function public.park() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock({PARK});
    return null;
end $$;
create trigger park before insert on mgmt_internal.dayparts execute function public.park();
create trigger park before insert on mgmt_internal.session_frequency_bins execute function public.park();
"""

LEFT = "the rows were left as they are"
NO_NUMBER = "invalid input syntax for type integer"
# What is written for what, and what is told of it. Each case is loaded as a seed of its own with the same tests.
BINS_TO_7 = "0,0,1\n1,1,2\n2,2,3\n3,3,4\n4,4,5\n5,5,6\n6-7,6,8"
BROKEN_BINS = {
    "hole": ("6-7,6,8", "6-7,7,8", LEFT),
    "overlap": ("8-10,8,11", "8-10,7,11", LEFT),
    "nothing_in_it": ("0,0,1", "0,1,1", LEFT),
    "none_for_0": (BINS_TO_7, "0,1,2\n1,2,3\n2,3,4\n3,4,5\n4,5,6\n5,6,7\n6-7,7,8", LEFT),
    "no_end": ("11+,11,", "11+,11,12", LEFT),
    "two_without_end": ("8-10,8,11", "8-10,8,", LEFT),
    "eight_bins": ("6-7,6,8\n8-10,8,11", "8-10,6,11", LEFT),
    "tenth_bin": ("11+,11,", "11+,11,12\n12+,12,", LEFT),
    "tenth_bin_of_a_known_name": ("11+,11,", "11+,11,12\n11+,12,", LEFT),
    "one_name_twice": ("5,5,6", "4,5,6", LEFT),
    "other_name": ("6-7,6,8", "6 to 7,6,8", LEFT),
    "text_for_a_number": ("5,5,6", "5,five,6", f'{NO_NUMBER}: "five"'),
    "fraction": ("5,5,6", "5,5.5,6", f'{NO_NUMBER}: "5.5"'),
    "empty_cell": ("5,5,6", "5,,6", LEFT),
    "no_rows": ("", None, LEFT),
}
BROKEN_DAYPARTS = {
    "overlapping_parts": ("12,17", "11,17", LEFT),
    "one_part_twice": ("afternoon_12_17,12,17", "morning_08_12,12,17", LEFT),
    "one_row_twice": ("17,20", "17,20\nevening_17_20,17,20", LEFT),
    "part_of_no_hours": ("17,20", "17,17", LEFT),
    "hour_25": ("17,20", "17,25", LEFT),
    "missing_part": ("\nevening_17_20,17,20", "", LEFT),
    "other_part": ("evening", "night", LEFT),
    "empty_hour": ("17,20", "17,", LEFT),
    "renamed_column": ("hour_below", "hour_until", "the columns daypart, hour_from, hour_until; its description has"),
    "added_column": ("hour_below", "hour_below,note", "the columns daypart, hour_from, hour_below, note; its desc"),
    "swapped_columns": ("hour_from,hour_below", "hour_below,hour_from", "the columns daypart, hour_below, hour_from;"),
}
BROKEN = BROKEN_BINS | BROKEN_DAYPARTS


@on_each_server
@pytest.mark.parametrize(
    ("command", "is_in_use"), [("seed", False), ("seed --full-refresh", False), ("seed -s dayparts", True)]
)
def test_readers_see_the_old_rows_until_they_see_the_new_ones(panel, command, is_in_use):
    panel.execute("create view reports.hours as select hour_from, hour_below from mgmt_internal.dayparts")
    panel.execute(STOP_HALFWAY)
    before = panel.snapshot()
    csv = panel.project.read("seeds/dayparts.csv")
    panel.project.write("seeds/dayparts.csv", csv.replace("12,17", "12,16"))  # the hour after is a break
    old, new = (9, 3, [12, 17, 20]), (9, 3, [12, 16, 20])

    with ThreadPoolExecutor(1) as pool, panel.connect() as warden, panel.connect() as reader:
        warden.execute(f"select pg_advisory_lock({PARK})")
        with repeatable_read(panel) as since_before, repeatable_read(panel) as since_halfway:
            assert bins_dayparts_and_hours(since_before) == old
            with dayparts_in_use(panel) if is_in_use else nullcontext():
                run = pool.submit(panel.deploy, *command.split())
                wait_until(lambda: not is_in_use or panel.execute(PAUSES), "the run pauses")
            wait_until(lambda: panel.execute(WAITS_AT_THE_PARK), "old rows are deleted, new ones are not there")
            assert bins_dayparts_and_hours(reader) == old
            assert bins_dayparts_and_hours(since_before) == old
            assert bins_dayparts_and_hours(since_halfway) == old
            warden.execute(f"select pg_advisory_unlock({PARK})")
            run.result()
            assert bins_dayparts_and_hours(reader) == new
            assert bins_dayparts_and_hours(since_before) == old
            assert bins_dayparts_and_hours(since_halfway) == old
    assert panel.snapshot() == before


@pytest.fixture(scope="module")
def broken(make_panel: MakePanel) -> tuple[Outcome, dict[str, list], dict[str, list]]:
    """Load a sound seed for each case, then the broken ones; give that run, and the rows before and after."""
    panel = make_panel()
    csvs = {name: panel.project.read(f"seeds/{name}.csv") for name in ("session_frequency_bins", "dayparts")}
    for name in BROKEN:
        like = "session_frequency_bins" if name in BROKEN_BINS else "dayparts"
        panel.project.write(f"seeds/cases/{name}.csv", csvs[like])
        description = yaml.safe_load(panel.project.read(f"seeds/{like}.yml"))
        description["seeds"][0]["name"] = name
        panel.project.write(f"seeds/cases/{name}.yml", yaml.safe_dump(description, sort_keys=False))
    panel.deploy("seed", "-s", "path:seeds/cases")
    before = rows_of_cases(panel)

    for name, (old, new, _) in BROKEN.items():
        csv = panel.project.read(f"seeds/cases/{name}.csv")
        broken = csv.splitlines()[0] if new is None else csv.replace(old, new)
        assert broken != csv
        panel.project.write(f"seeds/cases/{name}.csv", broken)
    run = panel.run("seed", "-s", "path:seeds/cases").failed()
    return run, before, rows_of_cases(panel)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_seed_is_refused(broken, name):
    run, before, after = broken
    ((status, message),) = ((result.status, result.message) for result in run.results if result.node.name == name)
    _, _, told = BROKEN[name]
    assert status == "error"
    assert told in message
    assert told != LEFT or re.search(rf"{LEFT}, for the new ones fail \w*{name}", message), "the rule that they break"
    assert after[name] == before[name]


def test_broken_seed_is_refused_after_a_pause_too(panel):
    csv = panel.project.read("seeds/dayparts.csv")
    panel.project.write("seeds/dayparts.csv", csv.replace("12,17", "11,17"))
    before = panel.execute("select * from mgmt_internal.dayparts")
    with ThreadPoolExecutor(1) as pool:
        with dayparts_in_use(panel):
            run = pool.submit(panel.run, "seed", "-s", "dayparts")
            wait_until(lambda: panel.execute(PAUSES), "the run pauses")
        assert LEFT in run.result().failed().output
    assert panel.execute("select * from mgmt_internal.dayparts") == before


@contextmanager
def dayparts_in_use(panel: Panel) -> Iterator[None]:
    """Hold the dayparts in a transaction that lets others read, but not delete."""
    with panel.connect() as holder, holder.transaction():
        holder.execute("lock table mgmt_internal.dayparts in share mode")
        yield


def repeatable_read(panel: Panel) -> psycopg.Connection:
    """Connect, to read in one transaction in which nothing changes."""
    connection = panel.connect()
    connection.autocommit = False
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    return connection


def bins_dayparts_and_hours(connection: psycopg.Connection) -> tuple[int, int, list[int]]:
    """The number of rows of the two views that stand on seeds, and where the dayparts end."""
    (found,) = connection.execute("""
        select
            (select count(*) from mgmt.engagement_session_frequency_30d_v) as bins,
            (select count(*) from mgmt.engagement_daypart_retention_v) as dayparts,
            array(select hour_below from reports.hours order by 1) as hours
    """)
    return tuple(found)


def rows_of_cases(panel: Panel) -> dict[str, list]:
    return {name: panel.execute(f"select * from mgmt_internal.{name} order by 2") for name in BROKEN}
