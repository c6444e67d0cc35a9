-- What the roles of docs/operations.md may do with the tables, besides their owner, who may do all.
-- `python -m agelane_serving.ledger migrate --grant` executes it.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM agelane_gateway, agelane_console;

-- Gateways add, and read for the reports. They neither alter nor remove what happened.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO agelane_gateway;
GRANT INSERT ON events, sales, used_assessments, baskets, basket_lines, basket_offers
    TO agelane_gateway;
GRANT UPDATE ON head TO agelane_gateway;
GRANT INSERT, DELETE ON confusions TO agelane_gateway;

-- The console sees nothing of marketing, and can say something to an alert.
GRANT SELECT ON events, alerts, alert_answers TO agelane_console;
GRANT INSERT ON alert_answers TO agelane_console;
GRANT USAGE ON SEQUENCE alert_answers_number_seq TO agelane_console;
GRANT UPDATE (state, closed_ms) ON alerts TO agelane_console;
