"""What travels: envelopes, keyrings, receipts, topics."""
