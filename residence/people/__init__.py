"""Who a person is: numbers, names, partial dates, documents."""
