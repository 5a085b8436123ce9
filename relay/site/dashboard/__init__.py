"""What a service sends, in numbers: today, this week, this year, month by month; and live."""
