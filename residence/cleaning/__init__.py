"""What a register needs looking after: which data disagree with themselves, whose task that is, and until when."""
