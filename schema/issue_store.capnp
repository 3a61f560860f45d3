@0xa287d54e9dc3e4b8;
# The protocol of a cairn server. This file is its specification; docs/protocol.md has the reasons
# and examples.
#
# Transport: the two-party RPC of Cap'n Proto over a unix socket, TCP or TLS. The bootstrap
# capability of a connection is a Door. What a capability can do is all that its holder may do:
# there is no other check of who calls.
#
# Errors are values. Every answer has a field `error`; when that is null, all went well and the
# other fields hold. (A union would say so more strictly, but calls on a capability within one
# cannot be pipelined.) An RPC exception means that the connection is of no more use (disconnected,
# a broken message), that the server has too much to do (overloaded) or a bug.
#
# Lifetime. A Session ends when its last reference is released, with its connection, or when its
# token is revoked or expires: calls then answer with the error `closed`. A call that is dropped
# (its promise destroyed, its connection lost) is cancelled: a query ends within milliseconds and
# leaves nothing; a write may have happened, and is harmless to repeat (see Ingest).
#
# Limits are in ServerInfo; a message or call beyond them is refused, never cut.
#
# Versions. Fields, enumerants and methods may be added: who does not know them leaves them alone,
# so a default means "as before". Nothing is removed or given another meaning. ServerInfo.protocol
# counts changes that a client may want to know of.
#
# Conventions. Text is UTF-8. Times named ...Us are microseconds since 1970-01-01T00:00:00Z; 0 =
# none. LSN 0 = none.

$import "/capnp/c++.capnp".namespace("cairn::schema");

interface Door {
  # What a connection begins with. Who comes from outside can do nothing else, and no message of
  # more than 64 KiB is taken before authenticate() went well, which has to be within 10 seconds.

  info @0 () -> (info :ServerInfo);

  authenticate @1 (token :Text, client :Text) -> (session :Session, error :Error);
  # `token` as `cairn token create` printed it; "" where the server lets people in without one: on a
  # unix socket (its file says who may connect), and on a loopback address as long as there are no
  # tokens. `client` is a name for logs. Pipelining calls on `session` is fine.
  # Errors: denied (unknown, revoked or expired token, or one is needed).
}

interface Session {
  # What a token allows.

  info @0 () -> (session :SessionInfo, server :ServerInfo);

  narrow @1 (to :Rights) -> (session :Session, error :Error);
  # A session that can do less, to be handed on: the rights that both have. It lives on its own.
  # Errors: denied (nothing would be left).

  run @2 RunRequest -> RunAnswer;
  # A command line at the store, as `cairn` runs one; every verb whose place is the store. Scope:
  # that of the verb. What verbs write is what they write to a terminal or a file; with --json it is
  # for programs: this is how a program merges, resolves, reads history and occurrences, and so on.

  search @3 SearchRequest -> (page :Page, error :Error);
  # A page of issues. Scope: read. Errors: invalidArgument (with its position in the query; a query
  # that ends in a table is one of aggregate()), notFound, conflict, exhausted, closed.

  aggregate @4 SearchRequest -> (table :Table, error :Error);
  # A table of values: a query with a stage that makes one. `sort` and `cursor` have no place here.

  ingest @5 (actor :Text, inputTime :Bool) -> (ingest :Ingest, error :Error);
  # Scope: ingest. `actor` writes what has none itself; "" = the system, as in `cairn import`. With
  # `inputTime` the times of records follow the messages' own, as `import --by-time` does.

  subscribe @6 (query :Text, limit :UInt32, listener :Listener) -> (subscription :Subscription, error :Error);
  # Tells `listener` of the first `limit` (1 to 1,000; 0 = 100) issues of the query's list now, and
  # from then on what changes of it. Scope: read. Errors: as search().
}

interface Ingest {
  # Batches of JSON Lines in the wire form (docs/wire-format.md), in the order of the calls.

  submit @0 (lines :Data) -> Acknowledgement;
  # `lines`: whole lines, each with its line end (the last one may lack it), at most
  # SessionInfo.maxMessageBytes of them. The answer comes when all that was stored is durable. Have
  # several batches under way (Limits.ingestWindow is enough to keep the server busy; it takes
  # further ones off the connection only as earlier ones are answered).
  #
  # Idempotent: an occurrence is known by its id, any other message by its own text. A client that
  # does not see an answer sends the batch again, over any connection, and what was stored counts as
  # a duplicate. When a batch fails as a whole (`error`), those behind it on this Ingest fail too
  # and nothing of them is applied: they may refer to what it would have stored.

  known @1 (occurrences :List(OccurrenceRef)) -> (known :List(Bool), error :Error);
  # Which of up to 10,000 occurrences the store has, everything answered by submit() included.
}

interface Listener {
  # Implemented by the client. One call at a time is under way; what changes meanwhile is told
  # together afterwards. An exception ends the subscription.

  changed @0 (change :Change) -> ();
}

interface Subscription {
  # Releasing it ends it.

  info @0 () -> (lsn :UInt64);
  # How far the listener has been told.
}

interface Output {
  # Implemented by the client of run(): takes what the verb writes while it runs.

  write @0 (chunk :Chunk) -> ();
  # Answered when it is written: at most 1 MiB is under way. An exception tells that nobody reads
  # any more: the verb ends.
}

struct ServerInfo {
  protocol @0 :UInt32;
  # 1.
  version @1 :Text;
  # Of the program.
  storeId @2 :Text;
  lsn @3 :UInt64;
  limits @4 :Limits;
}

struct Limits {
  maxMessageBytes @0 :UInt64;
  # Of one message to the server, once authenticated.
  ingestWindow @1 :UInt32;
  # Batches.
  maxCalls @2 :UInt32;
  # Under way in one session; one more is refused (exhausted).
  maxRows @3 :UInt32;
  # Of a page or table.
}

struct SessionInfo {
  name @0 :Text;
  # The token's; "local" without one.
  rights @1 :Rights;
  expiresUs @2 :Int64;
  requestsPerSecond @3 :UInt32;
  # 0 = as many as it takes. Beyond it calls are refused: exhausted, with retryAfterMs.
  timeMs @4 :UInt64;
  # For one query. 0 = no limit.
  memoryBytes @5 :UInt64;
  # For one query.
}

struct Rights {
  scopes @0 :List(Scope);
  projects @1 :List(UInt64);
  # Numbers; none = all. Whoever is limited to projects sees nothing of others: issues of these are
  # not found, and what cannot be limited (log, stats, fields, sweeps ...) is denied.
}

enum Scope {
  read @0;
  triage @1;
  # Merge, unmerge, split, workflow, experiments. Does not include read.
  ingest @2;
  admin @3;
  # Everything.
}

struct Error {
  code @0 :ErrorCode;
  message @1 :Text;
  # A sentence or two: what, where and what to do.
  hasPosition @2 :Bool;
  position @3 :UInt32;
  # Byte offset in the query.
  retryAfterMs @4 :UInt32;
  # Not 0: the same call may go well after so long.
}

enum ErrorCode {
  internal @0;
  # A bug of the server.
  invalidArgument @1;
  notFound @2;
  conflict @3;
  corruption @4;
  io @5;
  exhausted @6;
  # A limit, the disk or memory is used up.
  unsupported @7;
  closed @8;
  # Cancelled, or the session or the store is closed.
  denied @9;
  # The token does not allow it.
}

struct RunRequest {
  words @0 :List(Text);
  # After the program's name: the verb, the word for the store (any), arguments.
  files @1 :List(File);
  # Which the verb reads, by the names that stand in `words`; "-" is standard input.
  terminal @2 :Terminal;
  # Null: none.
  user @3 :Text;
  # What --actor is unless given; "" = the session's name.
  output @4 :Output;
  # Null: everything comes with the answer, at most 16 MiB of it.
}

struct RunAnswer {
  exitCode @0 :UInt8;
  # As of the program: 0 done, 1 failed, 2 usage, 3 done but some input was refused, 130 cancelled.
  # What went wrong is in the text that the verb wrote.
  chunks @1 :List(Chunk);
  # What `output` was not given.
  written @2 :List(File);
  # To be added to these files of who asks.
  error @3 :Error;
  # The verb did not run.
}

struct File {
  name @0 :Text;
  bytes @1 :Data;
  problem @2 :Error;
  # Instead of `bytes`: why it cannot be read where it is.
}

struct Chunk {
  toError @0 :Bool;
  # For stderr, else for stdout.
  bytes @1 :Data;
}

struct Terminal {
  out @0 :Bool;
  err @1 :Bool;
  # Whether stdout and stderr are terminals.
  width @2 :UInt16;
  utf8 @3 :Bool;
  color @4 :Bool;
}

struct SearchRequest {
  query @0 :Text;
  sort @1 :Text;
  # "" = that of the query, else date.
  limit @2 :UInt32;
  # 0 = that of the query, else 25.
  cursor @3 :Text;
  # `next` or `prev` of another page of the same list; "" = the first page.
  experiment @4 :Text;
  # "" = the base.
  nowUs @5 :Int64;
  # What relative dates are relative to; 0 = now.
  atLeast @6 :UInt64;
  # An LSN the store must have reached: read your writes. Else: conflict.
  viewer @7 :Text;
  # The id of a user: what `me` means.
  teams @8 :List(Text);
  timeMs @9 :UInt64;
  # At most; 0 = as long as the session may.
}

struct Page {
  lsn @0 :UInt64;
  total @1 :UInt64;
  # Issues over all pages, exact.
  issues @2 :List(Issue);
  next @3 :Text;
  prev @4 :Text;
  # "" = there is none.
  warnings @5 :List(Text);
}

struct Issue {
  id @0 :UInt32;
  shortId @1 :Text;
  projectId @2 :UInt64;
  title @3 :Text;
  status @4 :Text;
  substatus @5 :Text;
  level @6 :Text;
  priority @7 :Text;
  type @8 :UInt32;
  assignee @9 :Text;
  firstSeenUs @10 :Int64;
  lastSeenUs @11 :Int64;
  timesSeen @12 :UInt64;
  count @13 :UInt64;
  # Occurrences that match.
  users @14 :UInt64;
  # Distinct among them.
  merged @15 :List(Text);
  # Short ids of what is merged into it.
}

struct Table {
  lsn @0 :UInt64;
  total @1 :UInt64;
  # Rows before the limit cut them.
  columns @2 :List(Column);
  rows @3 :List(List(Cell));
  warnings @4 :List(Text);
}

struct Column {
  name @0 :Text;
  type @1 :Text;
  # integer, number, string, time, trend.
}

struct Cell {
  union {
    none @0 :Void;
    integer @1 :Int64;
    number @2 :Float64;
    string @3 :Text;
    timeUs @4 :Int64;
    trend @5 :List(UInt64);
    # Oldest first.
  }
}

struct OccurrenceRef {
  project @0 :UInt64;
  id @1 :Data;
  # 16 bytes.
}

struct Acknowledgement {
  lsn @0 :UInt64;
  # Everything up to here is durable.
  outcomes @1 :Data;
  # A byte for each line that is not empty, in order: 0 stored, 1 duplicate, 2 no change, 3 reference to
  # a known occurrence, 4 refused.
  refused @2 :List(Refused);
  error @3 :Error;
  # The batch failed as a whole, or from some line on; what was stored stays.
}

struct Refused {
  index @0 :UInt32;
  # Into `outcomes`.
  error @1 :Error;
}

struct Change {
  lsn @0 :UInt64;
  # The list as of here.
  total @1 :UInt64;
  entered @2 :List(Issue);
  # New in the first `limit`; all of it with the first call.
  changed @3 :List(Issue);
  # In it before, and something about it is different.
  left @4 :List(Text);
  # Short ids of those that are not in it any more.
  error @5 :Error;
  # The query cannot be answered any more; the subscription has ended.
}
