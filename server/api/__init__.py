"""The API for lodging software: the same declarations, receipts and checks as the pages."""
