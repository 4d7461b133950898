"""The sizes of gaps, added up again from the tables they rest on by other queries than those that
made them."""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.shapes import listed
from pipelines.verify import Fault

_WINDOW = """
  bounds.agency_id = told.agency_id
  and bounds.system_id = told.system_id
  and bounds.metric = told.metric
  and bounds.frequency = 'R'
  and bounds.period_start is not distinct from told.period_start
  and bounds.period_end = told.period_end
  and bounds.known_from <= told.known_from
  and coalesce(bounds.known_until, date '9999-12-31') > told.known_from
"""

# Each selects the gaps (or months) that are wrong.
_RULES = {
    "its size is not that of its window in `bounds`": f"""
        select gap_id
        from told
        where kind in ('contradicted', 'denied', 'silent', 'vague') and not exists (
          from bounds
          where {_WINDOW}
            and case kind
              when 'contradicted' then told.low = others_low - agency_high and told.low > 0
              when 'vague' then told.low = coalesce(agency_low, 0)
                and told.high is not distinct from agency_high
              else told.low = others_low and told.low > 0
                and told.high is not distinct from others_high
            end
        )
    """,
    "its share and size are not those of the group's total": f"""
        select gap_id
        from told
        where kind = 'unaccounted' and not exists (
          from bounds
          where {_WINDOW} and abs(bounds.low * (1 - share) - told.low) < 0.5
        )
    """,
    "its days are not those since the due date": """
        select gap_id
        from told
        where kind = 'overdue' and not exists (
          from duty_periods
          where duty_periods.duty_id = told.duty_id
            and duty_periods.agency_id = told.agency_id
            and duty_periods.period_start = told.period_start
            and coalesce(told.known_until, $as_of) - due_on = told.days
        )
    """,
    "its days late are not those of its duty": """
        select gap_id
        from told
        where kind = 'late' and duty_id is not null and days is distinct from (
          select max(days_late)
          from duty_periods
          where duty_periods.duty_id = told.duty_id
            and duty_periods.agency_id = told.agency_id
            and list_contains(told.report_ids, met_by)
            and duty_periods.period_start between told.period_start and told.period_end
        )
    """,
    "its history has a hole": """
        select gap_id
        from (
          select
            *, lead(known_from) over (partition by gap_id order by known_from) as next_from
          from told
        )
        where next_from is not null and known_until is distinct from next_from
    """,
    "it is not as it last stood in its history": """
        select gaps.gap_id
        from gaps
        join (
          select gap_id, arg_max(told, known_from) as last, min(known_from) as first_known
          from told
          group by gap_id
        ) using (gap_id)
        where gaps.low is distinct from last.low
          or gaps.high is distinct from last.high
          or gaps.days is distinct from last.days
          or gaps.share is distinct from last.share
          or gaps.period_start is distinct from last.period_start
          or gaps.period_end is distinct from last.period_end
          or gaps.report_ids is distinct from last.report_ids
          or gaps.statement_ids is distinct from last.statement_ids
          or gaps.sentence is distinct from last.sentence
          or (
            gaps.kind <> 'late'
            and (opened_on <> first_known or closed_on is distinct from last.known_until)
          )
    """,
    "it has no history": "select gap_id from gaps anti join gap_history using (gap_id)",
    "its month is not the one before with what opened and closed": """
        select concat_ws(' ', kind, country, month)
        from (
          select *, lag(open, 1, 0) over (partition by kind, country order by month) as open_before
          from gap_trend
        )
        where open <> open_before + opened - closed
    """,
    "its month does not count the gaps": """
        select concat_ws(' ', kind, country, month)
        from (
          select kind, country, strftime(opened_on, '%Y-%m') as month, count(*) as counted
          from gaps
          join agencies using (agency_id)
          group by all
        )
        full join gap_trend using (kind, country, month)
        where coalesce(counted, 0) is distinct from coalesce(opened, 0)
    """,
}


def sum_faults(con: duckdb.DuckDBPyConnection, as_of: date) -> list[Fault]:
    """What is wrong with the sizes, days and histories of gaps, given the tables of a release."""
    con.execute(
        """
        create or replace temp table told as
        select gap_history.*, agency_id, system_id, metric, kind, duty_id
        from gap_history
        join gaps using (gap_id)
        """
    )
    faults: list[Fault] = []
    for what, query in _RULES.items():
        parameters = {"as_of": as_of} if "$as_of" in query else {}
        rows = con.execute(query, parameters).fetchall()
        faults += listed("gaps.parquet", (f"{name}: {what}" for (name,) in rows))
    return faults
