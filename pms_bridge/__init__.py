"""The bridge beside a hotel's property-management system: it asks the system who is in the house and says so by the API (docs/pms.md)."""
