"""Tests: units without a database, integration with one, journeys in a browser."""
