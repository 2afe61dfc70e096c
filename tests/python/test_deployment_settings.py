"""What roles, databases and event triggers bring along does not change how we deploy."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from deployment import MODELS, PAUSES, READER, ROSTER_VIEW, TURN, VARS, WAITS_FOR_A_TURN, Panel, deploy_past, wait_until

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

SETTINGS = {
    "lock_timeout": "'1ms'",
    "statement_timeout": "'2s'",
    "transaction_timeout": "'2s'",
    "default_transaction_isolation": "'repeatable read'",
    "default_transaction_read_only": "on",
}
NOTE_WAITS = """
create table public.waits (lock_timeout text);
create function public.note_wait() returns event_trigger security definer language plpgsql as $$
begin insert into public.waits values (current_setting('lock_timeout')); end $$;
create event trigger note_wait on ddl_command_start when tag in ('CREATE VIEW') execute function public.note_wait()
"""
# Longer than the limit on a statement, and than the wait for a lock.
HAVE_WAITED_LONG = f"{WAITS_FOR_A_TURN} and waitstart < now() - interval '2.5 s'"
LONG_PAUSE = f"{PAUSES} and query_start < now() - interval '2.5 s'"


@pytest.fixture
def limited(panel: Panel) -> Panel:
    """Limit the role that deploys."""
    for name, value in SETTINGS.items():
        panel.execute(f"alter role deployer set {name} = {value}")
    return panel


@pytest.mark.parametrize(("command", "said"), [("run -s case", "[replaced in"), ("seed", "[INSERT ")])
def test_waiting_for_a_turn_is_not_limited(limited, command, said):
    limited.project.write("models/cases/case.sql", "select 1 as one")
    limited.execute(NOTE_WAITS)
    wait = VARS | {"deployment_lock_wait_ms": 2_000}
    with limited.connect() as other:
        other.execute(f"begin; select pg_advisory_xact_lock({TURN})")
        other.execute("set role deployer; create view mgmt.case as select 2 as one")
        output = deploy_past(limited, other, HAVE_WAITED_LONG, *command.split(), vars=wait)
    assert ("1ms",) not in limited.execute("select * from public.waits")  # each lock has its time
    assert said in output  # a run saw what the other had made


def test_grants_and_schemas_wait_for_a_turn_too(limited):
    limited.execute(f'revoke usage on schema mgmt from "{READER}"')
    limited.execute(f"grant create on database {limited.database} to deployer")
    for arguments, is_done in (
        ([], f"select has_schema_privilege('{READER}', 'mgmt', 'usage')"),
        (["-t", "dev"], "select to_regnamespace('dev') is not null"),
    ):
        with ThreadPoolExecutor(1) as pool, limited.connect() as other:
            other.execute(f"begin; select pg_advisory_xact_lock({TURN})")
            run = pool.submit(limited.deploy, "build", *arguments, "--exclude-resource-type", "test")
            wait_until(lambda: limited.execute(WAITS_FOR_A_TURN), "the run waits for its turn")
            assert limited.execute(is_done) == [(False,)]
            other.execute("commit")
            run.result()
        assert limited.execute(is_done) == [(True,)]


def test_pause_is_not_limited_and_others_are_deployed_meanwhile(limited):
    limited.project.append_column(ROSTER, "note", "'call'::text", "text")
    with limited.connect(READER) as holder:
        holder.execute(f"begin; select from {ROSTER_VIEW}")
        output = deploy_past(limited, holder, LONG_PAUSE, "run", "--threads", "4")
    assert output.count("[replaced in") == 1
    assert output.count("[unchanged in") == MODELS - 1


GIVE_AWAY = """
create table public.given (name text);
create function public.give_away() returns event_trigger security definer language plpgsql as $$
declare
    made record;
begin
    for made in select * from pg_event_trigger_ddl_commands() where object_type = 'view' loop
        insert into public.given values (made.object_identity);
        execute format('alter view %s owner to stranger', made.object_identity);
    end loop;
end $$;
create event trigger give_away on ddl_command_end when tag in ('CREATE VIEW') execute function public.give_away()
"""


def test_trigger_that_gives_views_away_does_not_mind_unchanged_views(panel):
    before = panel.snapshot()
    panel.execute(GIVE_AWAY)
    assert panel.deploy("run").output.count("[unchanged in") == MODELS
    assert panel.execute("select * from public.given") == []
    panel.execute("drop event trigger give_away; drop function public.give_away(); drop table public.given")
    assert panel.snapshot() == before


def test_new_view_that_a_trigger_gives_away_is_refused_in_one_line(panel):
    panel.execute(GIVE_AWAY)
    panel.project.write("models/cases/case.sql", "select 1 as one")
    panel.project.write("models/cases/case.yml", "models: [{name: case, description: A case.}]")
    run = panel.run("run", "-s", "case").failed()
    assert '"mgmt"."case" was left as it is: it belongs to role stranger, which role' in run.output
    assert not panel.snapshot("mgmt.case")
