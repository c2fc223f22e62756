BEGIN TRANSACTION;
CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    fold INTEGER NOT NULL,
    plays TEXT NOT NULL,           -- as JSON: ["a", 1, "b", 2]
    keys TEXT NOT NULL,            -- its requests with an Idempotency-Key, as JSON
    digest INTEGER NOT NULL
  );
CREATE TABLE fold (
    id INTEGER PRIMARY KEY,
    number INTEGER,                -- NULL: not sealed
    state TEXT NOT NULL,           -- open, sealed, kept (the last acknowledged one), dropped
    plays INTEGER NOT NULL DEFAULT 0,
    digest INTEGER NOT NULL DEFAULT 0
  );
INSERT INTO "fold" VALUES(1,17,'kept',4503599627369509,1823097797);
INSERT INTO "fold" VALUES(2,18,'sealed',3,1453740568);
INSERT INTO "fold" VALUES(3,NULL,'open',4,1378988930);
CREATE TABLE song (
    fold INTEGER NOT NULL,
    id TEXT NOT NULL,              -- with %25 for % and %00 for U+0000
    plays INTEGER NOT NULL,
    PRIMARY KEY (fold, id)
  ) WITHOUT ROWID;
INSERT INTO "song" VALUES(1,'a %25é',9007199254740000);
INSERT INTO "song" VALUES(1,'acknowledged',5);
INSERT INTO "song" VALUES(2,'both',2);
INSERT INTO "song" VALUES(2,'sealed',1);
INSERT INTO "song" VALUES(3,'both',3);
INSERT INTO "song" VALUES(3,'open',1);
CREATE TABLE state (
    last_commit INTEGER NOT NULL,  -- the newest one that is compacted
    dropped INTEGER NOT NULL,      -- the number of the newest dropped fold
    writers INTEGER NOT NULL,      -- rows of writer, and the sum of their digests
    writer_sum INTEGER NOT NULL,
    digest INTEGER NOT NULL
  );
INSERT INTO "state" VALUES(8,0,2,2763959530,2263262231);
CREATE TABLE writer (
    name TEXT PRIMARY KEY,
    last TEXT NOT NULL,            -- its last request and the reply, as JSON
    used INTEGER NOT NULL,         -- the commit of that request
    digest INTEGER NOT NULL
  ) WITHOUT ROWID;
INSERT INTO "writer" VALUES('writer-a','{"seq":1,"fingerprint":6514745170717096,"fold":18,"totals":[1]}',8,2236513351);
INSERT INTO "writer" VALUES('writer-b','{"seq":7,"fingerprint":1351951191920798,"fold":17,"totals":[1,2]}',5,527446179);
CREATE INDEX writer_used ON writer (used);
COMMIT;
