"""The engine: it trains one job and says what happens. It knows neither rich nor files."""
