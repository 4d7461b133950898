select
  source_id, publisher, title, published_on, blank(url) as url, kind,
  blank(language) as language, blank(note) as note
from ledger_sources
order by source_id
