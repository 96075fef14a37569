"""Pages and API for front desks, residents, police and operators."""
