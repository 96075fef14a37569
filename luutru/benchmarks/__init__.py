"""What luutru bench measures."""
