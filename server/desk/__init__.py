"""The front desk of a lodging: declare, see tonight, correct, check out, give receipts."""
