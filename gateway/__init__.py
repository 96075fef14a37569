"""Takes sealed declarations from MQTT, records them, answers with signed receipts."""
