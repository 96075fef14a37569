"""Where a person stays: premises, units, communes, addresses."""
