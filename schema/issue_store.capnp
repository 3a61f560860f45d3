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
# Limits are in ServerInfo and, where a token has narrower ones, in SessionInfo; a message or call
# beyond them is refused, never cut.
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
  # for programs: this is how a program gets at what has no method of its own. A verb that has run
  # for SessionInfo.verbMs ends as soon as it looks, with the error `exhausted`.

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

  execute @7 (command :Command, actor :Text, key :Text) -> (done :Executed, error :Error);
  # Changes issues, experiments, projects or releases. Scope: triage; admin of setProject and
  # setRelease. `actor` is who did it; "" = the session's name. The same `key` again changes nothing
  # (duplicate); "" = none. The answer comes when the change is durable. Dropping the call does not
  # take it back; what looks for issues first (addRule, sweep) may end then, with nothing done, as it
  # does after SessionInfo.queryMs (exhausted).
  # Errors: invalidArgument, notFound, conflict (the message names the rule), exhausted, denied.

  history @8 (issue :Text, limit :UInt32) -> (history :History, error :Error);
  # What happened to an issue: the newest `limit` entries (1 to 10,000; 0 = 100). Scope: read.

  events @9 EventsRequest -> (page :EventPage, error :Error);
  # Occurrences of an issue, newest first. Scope: read. Errors: as search(); exhausted: the page has
  # more than 16 MiB, ask for fewer.

  experiments @10 () -> (lsn :UInt64, experiments :List(Experiment), error :Error);
  # Scope: read. They are made, added to, promoted and dropped by execute().

  compare @11 (before :Text, after :Text, limit :UInt32) -> (comparison :Comparison, error :Error);
  # How two groupings differ: experiments, or "" = the base. With the `limit` issues (at most 10,000)
  # that got most occurrences of others. Scope: read.

  # --- alerts (docs/alerts.md) ---
  #
  # A rule is JSON text, as docs/alerts.md has it. Who is limited to projects sees and changes rules
  # whose projects are all among these, and their incidents; others are not found. `actor` and `key`
  # as in execute().

  addRules @12 (rules :List(Text), actor :Text, key :Text) -> (lsn :UInt64, added :List(AddedRule), error :Error);
  # Each is added, or refused for itself; at most 10,000 of one call. The answer comes when they are
  # durable; they are evaluated once their windows are filled (AlertRule.status). Scope: admin.

  rules @13 (after :UInt32, limit :UInt32, openOnly :Bool) -> (lsn :UInt64, total :UInt64, rules :List(AlertRule), error :Error);
  # Rules of later numbers than `after`, ascending; `limit` up to 10,000, 0 = 100. `total` is over all
  # pages. Scope: read.

  changeRule @14 (rule :UInt32, to :Text, actor :Text, key :Text) -> (done :Executed, error :Error);
  # All of it anew; what means something else closes what was open. Scope: admin.

  setPaused @15 (rule :UInt32, paused :Bool, actor :Text, key :Text) -> (done :Executed, error :Error);
  # A paused rule is not evaluated, and what was open is closed. Scope: admin.

  removeRule @16 (rule :UInt32, actor :Text, key :Text) -> (done :Executed, error :Error);
  # Scope: admin.

  incidents @17 (rule :UInt32, openOnly :Bool, before :UInt32, limit :UInt32) -> (lsn :UInt64, total :UInt64, incidents :List(Incident), error :Error);
  # The newest first: those of lower numbers than `before` (0 = all), of one rule (0 = of all).
  # `limit` up to 1,000, 0 = 100. Scope: read.

  acknowledge @18 (incident :UInt32, actor :Text, key :Text) -> (done :Executed, error :Error);
  comment @19 (incident :UInt32, text :Text, actor :Text, key :Text) -> (done :Executed, error :Error);
  close @20 (incident :UInt32, actor :Text, key :Text) -> (done :Executed, error :Error);
  # Scope: triage.

  subscribeAlerts @21 (listener :AlertListener, afterLsn :UInt64, afterOrdinal :UInt32) -> (subscription :AlertSubscription, error :Error);
  # Tells `listener` of every transition of an incident and every firing of a rule about issues behind
  # that place, in the order of the log: at least once, when the client begins again at the last place
  # that it has dealt with. From 0, 0 on: of all that are kept (65,536 of either, of one incident the newest 5,000 to 10,000 steps). Scope: read.
}

interface AlertListener {
  # Implemented by the client. One call at a time is under way; an exception ends the subscription.

  notify @0 (notifications :List(AlertNotification), error :Error) -> ();
  # At most 1,000. With `error` the subscription has ended: closed (the server stops, the token was
  # revoked).
}

interface AlertSubscription {
  # Releasing it ends it.

  place @0 () -> (lsn :UInt64, ordinal :UInt32);
  # Behind the last notification that the listener has answered.
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
  maxMessageBytes @6 :UInt64;
  maxCalls @7 :UInt32;
  # As in Limits.
  verbMs @8 :UInt64;
  # For one verb of run(). 0 = no limit.
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

# --- commands ---
#
# An issue is named by its short id ("SHOP-3K", also of a hidden one), or by a fingerprint that
# decided it: "PROJECT:fingerprint:F", PROJECT a number or slug, is the issue that shows it now. Who
# is limited to projects names issues by short ids.

struct Command {
  union {
    none @0 :Void;
    # invalidArgument, as is a command that the server does not know.
    merge @1 :Merge;
    mergeNew @2 :MergeNew;
    unmerge @3 :Unmerge;
    split @4 :Split;
    rejoin @5 :Text;
    # Undoes a split: what this part has by now goes back.
    resolve @6 :Resolve;
    unresolve @7 :Text;
    # An issue.
    archive @8 :Archive;
    assign @9 :Assign;
    setPriority @10 :SetPriority;
    note @11 :Note;
    attention @12 :Attention;
    link @13 :Link;
    setStanding @14 :SetStanding;
    setProject @15 :SetProject;
    setRelease @16 :SetRelease;
    newExperiment @17 :NewExperiment;
    addRule @18 :AddRule;
    promoteExperiment @19 :PromoteExperiment;
    dropExperiment @20 :Text;
    # Its name.
    sweep @21 :Sweep;
    undoRegrouping @22 :UInt64;
    # Executed.lsn of a sweep, a promotion or an undo: what still stands of it is taken back.
  }
}

struct Executed {
  lsn @0 :UInt64;
  # Of its record, or of what was done under the same key; durable.
  outcome @1 :Outcome;
  issue @2 :Text;
  # The issue that it is about: what shows the merged, the new one, the part of a split. "" = none.
  issues @3 :List(Text);
  # Merged, or taken out again.
}

enum Outcome {
  stored @0;
  duplicate @1;
  # The key was used before.
  noChange @2;
  # It is so already.
}

struct Merge {
  into @0 :Text;
  # Shows the others from now on. Nothing of them is lost while they are hidden.
  issues @1 :List(Text);
}

struct MergeNew {
  # A new issue that shows these.
  title @0 :Text;
  issues @1 :List(Text);
}

struct Unmerge {
  view @0 :Text;
  issues @1 :List(Text);
  # None = all that it shows.
  nthLast @2 :UInt32;
  # 1 = what the last merge into it brought; 0 = by `issues`.
}

struct Split {
  # Fingerprints become an issue of their own.
  issue @0 :Text;
  fingerprints @1 :List(Text);
}

struct Resolve {
  issue @0 :Text;
  how @1 :How;
  version @2 :Text;
  # Of inRelease: the release; of inCommit: the commit.
  enum How {
    now @0;
    inRelease @1;
    inNextRelease @2;
    inCommit @3;
  }
}

struct Archive {
  # Until one of these comes about; none given: until it escalates.
  issue @0 :Text;
  forever @1 :Bool;
  untilUs @2 :Int64;
  count @3 :UInt32;
  # Occurrences from now on.
  windowMinutes @4 :UInt32;
  # So many within such a time; 0 = ever.
  users @5 :UInt32;
  # Distinct ones from now on.
  userWindowMinutes @6 :UInt32;
}

struct Assign {
  issue @0 :Text;
  assignee @1 :Text;
  # user:ID, team:ID; "" = nobody.
}

struct SetPriority {
  issue @0 :Text;
  priority @1 :Text;
  # low, medium, high; "" = that of its type again.
}

struct Note {
  # Adds a note (`note` 0), edits it, or removes it (`text` empty).
  issue @0 :Text;
  note @1 :UInt32;
  text @2 :Text;
}

struct Attention {
  issue @0 :Text;
  what @1 :What;
  who @2 :Text;
  # user:ID or team:ID; not of reviewed.
  off @3 :Bool;
  # Takes it back.
  enum What {
    bookmarked @0;
    subscribed @1;
    seen @2;
    reviewed @3;
  }
}

struct Link {
  # An issue's entry in another system.
  issue @0 :Text;
  url @1 :Text;
  title @2 :Text;
  removed @3 :Bool;
}

struct SetStanding {
  # Of an issue and all that is merged into it.
  issue @0 :Text;
  standing @1 :Standing;
  enum Standing {
    kept @0;
    deleted @1;
    # For good.
    discarded @2;
    # Counts on unseen.
  }
}

struct SetProject {
  # What is not given stays as it is.
  project @0 :UInt64;
  slug @1 :Text;
  policy @2 :Text;
  # first, known. Of both texts null is not given.
  autoResolveHours @3 :Int64 = -1;
  escalationThreshold @4 :Int64 = -1;
  # -1 = not given.
  holdBack @5 :Switch;
  enum Switch {
    asItIs @0;
    off @1;
    on @2;
  }
}

struct SetRelease {
  project @0 :UInt64;
  version @1 :Text;
  dateUs @2 :Int64;
  commits @3 :List(Text);
}

struct NewExperiment {
  name @0 :Text;
  at @1 :UInt64;
  # Its rules are evaluated as of this record; 0 = on the present.
}

struct AddRule {
  experiment @0 :Text;
  rule @1 :Text;
  # docs/query-language.md, Rules.
}

struct PromoteExperiment {
  name @0 :Text;
  rebase @1 :Bool;
  # Even where its facts do not mean any more what they meant.
}

struct Sweep {
  # Applies a rule at once.
  rule @0 :Text;
  limit @1 :UInt64 = 10000;
  # Issues that it may move: exhausted beyond, and nothing is done.
}

# --- one issue, and experiments ---

struct History {
  lsn @0 :UInt64;
  issue @1 :Text;
  total @2 :UInt64;
  # Entries, also those that are not here.
  entries @3 :List(HistoryEntry);
  # Oldest first.
}

struct HistoryEntry {
  lsn @0 :UInt64;
  timeUs @1 :Int64;
  actor @2 :Text;
  # "" = the system.
  issue @3 :Text;
  # Whose history it is of: the issue asked for, or one that showed it.
  what @4 :Text;
  # created, status, shows, merged_into, note ...
  before @5 :Text;
  after @6 :Text;
}

struct EventsRequest {
  issue @0 :Text;
  filter @1 :Text;
  # A query without a pipeline; "" = all.
  alone @2 :Bool;
  # Without what is merged into the issue.
  limit @3 :UInt32;
  # 1 to 1,000; 0 = that of the cursor, else 25.
  cursor @4 :Text;
  nowUs @5 :Int64;
  atLeast @6 :UInt64;
  timeMs @7 :UInt64;
  experiment @8 :Text;
  # These as in SearchRequest.
}

struct EventPage {
  lsn @0 :UInt64;
  total @1 :UInt64;
  # Over all pages, exact.
  events @2 :List(Event);
  next @3 :Text;
  prev @4 :Text;
  # "" = there is none.
  warnings @5 :List(Text);
}

struct Event {
  lsn @0 :UInt64;
  timeUs @1 :Int64;
  id @2 :Text;
  issue @3 :Text;
  # Short id of what shows it.
  leaf @4 :Text;
  # And of the group that owns it.
  json @5 :Text;
  # The occurrence in the wire form (docs/wire-format.md).
}

struct Experiment {
  name @0 :Text;
  at @1 :UInt64;
  # Its rules are evaluated as of this record; 0 = on the present.
  created @2 :UInt64;
  promoted @3 :UInt64;
  # LSNs; 0 = not.
  steps @4 :List(Step);
  struct Step {
    rule @0 :Text;
    lsn @1 :UInt64;
    merged @2 :UInt64;
    # Issues that go under others.
    takenOut @3 :UInt64;
    # Issues that are shown on their own again.
  }
}

struct Comparison {
  lsn @0 :UInt64;
  occurrences @1 :UInt64;
  moved @2 :UInt64;
  # Shown by another issue than before.
  changed @3 :UInt64;
  # Issues that got occurrences of others.
  before @4 :Sizes;
  after @5 :Sizes;
  changes @6 :List(Change);
  struct Sizes {
    # Of issues with occurrences.
    issues @0 :UInt64;
    singletons @1 :UInt64;
    # Issues of one occurrence.
    mean @2 :Float64;
    p50 @3 :UInt64;
    p95 @4 :UInt64;
    largest @5 :UInt64;
  }
  struct Change {
    issue @0 :Text;
    before @1 :UInt64;
    after @2 :UInt64;
    # Occurrences within it.
    moved @3 :UInt64;
    # Came from other issues.
    parts @4 :UInt32;
    # Issues of the first grouping that have occurrences in it.
  }
}

# --- alerts ---

struct AddedRule {
  number @0 :UInt32;
  # 0 = refused, or known by its key.
  outcome @1 :Outcome;
  error @2 :Error;
  # Why it was refused.
}

struct AlertRule {
  number @0 :UInt32;
  name @1 :Text;
  text @2 :Text;
  # The whole rule as JSON.
  understood @3 :Text;
  # In words.
  status @4 :Text;
  # active, creating, updating, deleting, disabled.
  trouble @5 :Text;
  # Why it cannot be evaluated; "" = it can.
  severity @6 :Severity;
  openIncidents @7 :UInt32;
  hasValue @8 :Bool;
  value @9 :Float64;
  # The last of its worst key, as held against thresholds.
  lastTickUs @10 :Int64;
  madeUs @11 :Int64;
  changedUs @12 :Int64;
  changedBy @13 :Text;
  fired @14 :UInt64;
  # Times that a rule about issues alerted.
}

enum Severity {
  ok @0;
  warning @1;
  critical @2;
}

struct Incident {
  number @0 :UInt32;
  rule @1 :UInt32;
  ruleName @2 :Text;
  key @3 :Text;
  # The value of group_by; "" = none.
  severity @4 :Severity;
  worst @5 :Severity;
  startedUs @6 :Int64;
  detectedUs @7 :Int64;
  endedUs @8 :Int64;
  # 0 = it is open.
  method @9 :Text;
  # manual, rule_updated, rule_triggered.
  acknowledgedUs @10 :Int64;
  acknowledgedBy @11 :Text;
  steps @12 :List(Step);
  # The newest.
  comments @13 :List(Comment);
  earlierSteps @14 :UInt32;
  # How many came before the first of `steps`.
  struct Step {
    lsn @0 :UInt64;
    atUs @1 :Int64;
    from @2 :Severity;
    to @3 :Severity;
    hasValue @4 :Bool;
    value @5 :Float64;
    who @6 :Text;
  }
  struct Comment {
    atUs @0 :Int64;
    who @1 :Text;
    text @2 :Text;
  }
}

struct AlertNotification {
  lsn @0 :UInt64;
  ordinal @1 :UInt32;
  # Its place: where to go on behind it.
  key @2 :Text;
  # The same whenever and however often it is told.
  atUs @3 :Int64;
  rule @4 :UInt32;
  ruleName @5 :Text;
  union {
    transition @6 :Transition;
    firing @7 :Firing;
  }
  struct Transition {
    incident @0 :UInt32;
    step @1 :UInt32;
    # 1, 2, ... within the incident.
    key @2 :Text;
    from @3 :Severity;
    to @4 :Severity;
    hasValue @5 :Bool;
    value @6 :Float64;
    startedUs @7 :Int64;
    detectedUs @8 :Int64;
  }
  struct Firing {
    projectId @0 :UInt64;
    number @1 :UInt32;
    # Of the issue within its project.
    event @2 :Text;
    # first_seen, regression, escalating.
    occurrence @3 :Text;
    # Its id in hex; "" = none.
  }
}
