"""The log's processes: fetching, checking, watching, witnessing it, and asking witnesses."""
