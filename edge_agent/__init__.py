"""The kiosk: reads cards, talks to the person, keeps declarations until a signed receipt comes."""
