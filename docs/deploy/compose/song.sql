-- A table of songs, as an example. PostgreSQL runs this file once, while its volume is empty.
CREATE TABLE song (
  id text PRIMARY KEY,
  title text NOT NULL DEFAULT '',
  plays bigint NOT NULL DEFAULT 0
);
INSERT INTO song (id, title) VALUES ('1', 'First song'), ('2', 'Second song'), ('3', 'Third song');
