"""Release to people: charts, pages, embeds, explorer. Reads releases, never the ledger."""
