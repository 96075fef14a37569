"""The browser that shows the kiosk's page: kept up, and what it shows while there is no page."""
