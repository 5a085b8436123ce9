#!/bin/sh
# One PostgreSQL user for each role of the relay; `notify-relay db grant` says what each may do. The image of PostgreSQL
# runs this when it makes the database; for one that stands already, or to change passwords, run it there again:
#   docker compose -f docker/compose.yaml exec database sh /docker-entrypoint-initdb.d/database-users.sh
set -eu
for role in SMTP HTTP SITE WORKER FEEDBACK; do
    user=relay_$(echo "$role" | tr A-Z a-z)
    # psql quotes both: the password stands in no argument, and what it holds ends no statement.
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\getenv password ${role}_DATABASE_PASSWORD
SELECT 'CREATE ROLE $user LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$user') \gexec
ALTER ROLE $user LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SQL
done
