"""What repeats on pages: pure functions from things to HTML. They ask nothing of the database and know no request."""
