-- The ledger's database and who logs in to it. The container executes it once, on an empty volume; for
-- a PostgreSQL of your own, with psql as its superuser, after `make secrets`:
--   PASSWORDS=secrets/ledger psql --set ON_ERROR_STOP=1 --file serving/postgresql/roles.sql …
-- What each role may do follows from `python -m agelane_serving.ledger migrate --grant`.

\set owner `cat "$PASSWORDS/agelane"`
\set gateway `cat "$PASSWORDS/agelane_gateway"`
\set console `cat "$PASSWORDS/agelane_console"`

CREATE ROLE agelane LOGIN PASSWORD :'owner';
CREATE ROLE agelane_gateway LOGIN PASSWORD :'gateway';
CREATE ROLE agelane_console LOGIN PASSWORD :'console';

CREATE DATABASE agelane OWNER agelane;
REVOKE ALL ON DATABASE agelane FROM PUBLIC;
GRANT CONNECT ON DATABASE agelane TO agelane_gateway, agelane_console;
