/** Returns the output of `fold --help`. */
export function foldHelp(): string {
  return `playcount fold: hands counts over to a database, each play once, while plays continue

Usage: playcount fold --from URL[,URL...] --into URL [options]

  --from URLS            servers to hand counts over from; their counts are summed
  --into URL             where to store them:
                           postgres://user@host/database, mysql://user@host/database, sqlite:FILE
                           http://host:8000[,...]   other servers, which each song is placed on
  --into-file PATH       file with that URL
  --exec COMMAND         store them by a command instead: it reads a line of JSON for each song,
                         {"id":"42","plays":7}, has the number of the fold in PLAYCOUNT_FOLD, and
                         exits with 0 when it has stored all. It may get the same fold again.
  --every TIME           run again and again, as every 60s or 5m, until a signal
                         (default: once, for cron or a timer)

The table in the database:
  --table NAME           table of songs, with its schema if it needs one (default: song)
  --id COLUMN            column of the ids, which must be unique (default: id)
  --plays COLUMN         column that plays are added to (default: plays)
  --name NAME            name of this job, for one table (default: the table, or a number made of
                         the command)
  --unknown keep         songs without a row: keep them in playcount_unknown until they have one,
            insert       or insert rows,
            drop         or drop their plays; with servers of --into, those of songs that
                         a server refuses for good: by its --id-pattern, or as counts end at 2^53 - 1
  --history TABLE        append a row for each song and fold: id, fold, sealed_at, plays
  --rows N               most songs in one transaction; fewer if ids are long (default: 10000)

Look first:
  --dry-run              say what would be stored; seal nothing, change nothing
  --print-sql            print the statement with which a page reads plays and the number for ?after=
  --print-schema         print the tables that the job creates

Folds that are not of this job:
  --adopt N              store fold N of another job too, all of it: also what that job has stored
  --skip                 drop them: acknowledge them without storing them; also the rest of a fold
                         of this job that can never be completed

Access:
  --password-file PATH   file with the password of the database
  --ca PATH              file with the certificate of its authority
  --token-file PATH      file with the token of the servers
  --to-token-file PATH   file with the token of the servers of --into, if it differs
  --lock-timeout TIME    longest wait for a lock (default: 10s)
  --timeout TIME         longest transaction (default: 10m)
  -h, --help             show this help

The environment variables PLAYCOUNT_INTO, PLAYCOUNT_INTO_PASSWORD, PLAYCOUNT_TOKEN and
PLAYCOUNT_TO_TOKEN hold the same, and name files with _FILE at their ends.

After a failure or a kill at any moment, run the same command again: no play is lost or counted
twice. Exit status: 0 done, or another job is at work; 1 failed, nothing is lost; 2 wrong
arguments; 3 done, and songs were set aside that had never been before, or dropped.

  playcount fold --from http://a:8000 --into postgres://app@db/music --every 60s
  playcount fold --from http://a:8000,http://b:8000 --into mysql://app@db/music --table songs --id slug
  playcount fold --from http://a:8000 --into sqlite:/var/lib/music.db --history song_plays
  playcount fold --from http://a:8000,http://b:8000 --into http://c:8000
  playcount fold --from http://a:8000 --exec 'sh store.sh'`;
}
