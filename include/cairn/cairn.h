/* cairn for C, and for every language that can call C: the interface of store.h with opaque
 * handles.
 *
 * Calls. A function that can fail returns a status, CAIRN_OK or what went wrong, and fills its last
 * argument, unless that is NULL, with an error object to be freed with cairn_error_free(). What it
 * was to make is NULL then. Nothing throws, ends the process, prints, or sets a signal handler.
 *
 * Memory. Every handle that a function made is given back to its own _free function (cairn_close
 * for a store); NULL is fine there, and nowhere else where a handle is asked for. Arguments are
 * borrowed for the call. What a result points to lives as long as the result.
 *
 * Text is UTF-8 that ends in a zero byte; one inside (JSON allows it) cuts the text off there.
 * Where text is optional, NULL and "" mean none. Times are microseconds since 1970, UTC.
 *
 * Options are structs that begin with their size: make them by the INIT macros, or set `size` and
 * zero the rest. NULL for a struct of options is all defaults.
 *
 * Threads. A store may be used by any number of threads at once; cairn_close must be alone. A
 * snapshot belongs to the thread that took it; one that stays while others write costs memory for a
 * copy of the state, and a thread that holds one gets CAIRN_CONFLICT when it writes. Results and
 * errors are for one thread at a time, a cancellation for all. A child after fork() must not touch
 * handles of its parent.
 *
 * Durability, closed and broken stores: see store.h; docs/embedding.md has the tour.
 */
#ifndef CAIRN_CAIRN_H
#define CAIRN_CAIRN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CAIRN_C_API __attribute__((visibility("default")))
#else
#define CAIRN_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- errors ---------------------------------------------------------------------------------- */

typedef enum cairn_status {
  CAIRN_OK = 0,
  CAIRN_INVALID_ARGUMENT = 1, /* the input is wrong; the message says what */
  CAIRN_NOT_FOUND = 2,
  CAIRN_CONFLICT = 3,   /* the state forbids it; the message names the rule */
  CAIRN_CORRUPTION = 4, /* bytes on disk are not what was written */
  CAIRN_IO = 5,
  CAIRN_EXHAUSTED = 6, /* a limit, the disk or memory is used up */
  CAIRN_UNSUPPORTED = 7,
  CAIRN_CLOSED = 8,   /* closed, cancelled, or stopped by an earlier failure: open it again */
  CAIRN_INTERNAL = 9, /* a bug of cairn */
  CAIRN_DENIED = 10   /* the caller has not the right; a server says so, a store here never */
} cairn_status;

typedef struct cairn_error cairn_error;
CAIRN_C_API cairn_status cairn_error_status(const cairn_error* error);
CAIRN_C_API const char* cairn_error_message(const cairn_error* error);
/* Byte offset in the text that was given; -1 = none. */
CAIRN_C_API int64_t cairn_error_position(const cairn_error* error);
CAIRN_C_API void cairn_error_free(cairn_error* error);
/* "not_found" ...; static. */
CAIRN_C_API const char* cairn_status_name(cairn_status status);

/* "0.1.0", of the library that runs; static. */
CAIRN_C_API const char* cairn_version(void);

/* --- the store ------------------------------------------------------------------------------- */

typedef struct cairn_store cairn_store;

typedef struct cairn_open_options {
  size_t size;
  int read_only;       /* beside the one process that writes; see cairn_refresh() */
  int must_exist;      /* do not make the store when the directory holds none */
  uint32_t head_limit; /* these three: 0 = the default of docs/operations.md */
  uint64_t log_file_bytes;
  uint64_t index_map_bytes;
} cairn_open_options;
#define CAIRN_OPEN_OPTIONS_INIT \
  { sizeof(cairn_open_options), 0, 0, 0, 0, 0 }

/* NOT_FOUND: there is none. CONFLICT: another process writes, or this one has it open. */
CAIRN_C_API cairn_status cairn_open(const char* directory, const cairn_open_options* options,
                                    cairn_store** store, cairn_error** error);
/* Closes and frees, also when it answers that something went wrong; but with CONFLICT, snapshots of
 * it being left, it stays open. */
CAIRN_C_API cairn_status cairn_close(cairn_store* store, cairn_error** error);
/* A store for reading shows the moment when it was opened; this shows it as it is now. CONFLICT:
 * snapshots of it are left. */
CAIRN_C_API cairn_status cairn_refresh(cairn_store* store, cairn_error** error);
/* Writes what is in memory to the index; opening is quicker afterwards. */
CAIRN_C_API cairn_status cairn_checkpoint(cairn_store* store, cairn_error** error);
/* Copies the log into another directory; `cairn restore` makes a store of it. */
CAIRN_C_API cairn_status cairn_backup(const cairn_store* store, const char* destination,
                                      cairn_error** error);

typedef struct cairn_stats {
  uint64_t last_lsn;
  uint64_t checkpoint_lsn;
  uint64_t occurrences;
  uint64_t issues;
  uint64_t hidden; /* merged into others */
  uint64_t projects;
  uint64_t log_bytes;
  uint64_t index_bytes;
  uint64_t segments;
} cairn_stats;
CAIRN_C_API cairn_status cairn_get_stats(const cairn_store* store, cairn_stats* stats,
                                         cairn_error** error);

/* --- writing --------------------------------------------------------------------------------- */

typedef enum cairn_outcome {
  CAIRN_STORED = 0,
  CAIRN_DUPLICATE = 1, /* known by its id or key: nothing changed */
  CAIRN_NO_CHANGE = 2, /* the state already was as wished */
  CAIRN_REFERENCE = 3, /* names an occurrence that is in the store */
  CAIRN_REFUSED = 4
} cairn_outcome;

typedef struct cairn_submitted cairn_submitted;
typedef struct cairn_submit_counts {
  uint64_t lsn; /* everything up to here is durable */
  uint64_t stored;
  uint64_t duplicates;
  uint64_t no_change;
  uint64_t references;
  uint64_t refused;
} cairn_submit_counts;
typedef struct cairn_item {
  uint64_t line; /* in the text that was given, from 1 */
  cairn_outcome outcome;
  uint64_t lsn;        /* CAIRN_STORED */
  cairn_status status; /* CAIRN_REFUSED, like the next two */
  const char* message;
  int64_t position; /* in the line; -1 = none */
} cairn_item;

/* Lines in the wire form (docs/wire-format.md), `bytes` of them, separated by newlines; at most 64
 * MiB and 65,536 lines. Each is stored, known already or refused on its own. `actor`: NULL = the
 * system. `submitted` may be NULL. */
CAIRN_C_API cairn_status cairn_submit_json(cairn_store* store, const char* lines, size_t bytes,
                                           const char* actor, cairn_submitted** submitted,
                                           cairn_error** error);
CAIRN_C_API cairn_submit_counts cairn_submitted_counts(const cairn_submitted* submitted);
CAIRN_C_API size_t cairn_submitted_size(const cairn_submitted* submitted);
CAIRN_C_API cairn_item cairn_submitted_item(const cairn_submitted* submitted, size_t index);
CAIRN_C_API void cairn_submitted_free(cairn_submitted* submitted);

/* Commands. Issues are named as commands.h says: "SHOP-3K", or "PROJECT:fingerprint:F". */
typedef struct cairn_write_options {
  size_t size;
  const char* actor; /* NULL = the system */
  const char* key;   /* the same key again changes nothing; NULL = none */
} cairn_write_options;
#define CAIRN_WRITE_OPTIONS_INIT \
  { sizeof(cairn_write_options), NULL, NULL }

typedef struct cairn_executed cairn_executed;
CAIRN_C_API uint64_t cairn_executed_lsn(const cairn_executed* executed);
CAIRN_C_API cairn_outcome cairn_executed_outcome(const cairn_executed* executed);
/* The issue it is about: what shows the merged, the new one, the part of a split. */
CAIRN_C_API const char* cairn_executed_issue(const cairn_executed* executed);
/* Merged, or taken out again. */
CAIRN_C_API size_t cairn_executed_size(const cairn_executed* executed);
CAIRN_C_API const char* cairn_executed_name(const cairn_executed* executed, size_t index);
CAIRN_C_API void cairn_executed_free(cairn_executed* executed);

/* Of all commands: `executed` may be NULL. NOT_FOUND, INVALID_ARGUMENT, CONFLICT. */
CAIRN_C_API cairn_status cairn_merge(cairn_store* store, const char* into,
                                     const char* const* issues, size_t count,
                                     const cairn_write_options* options, cairn_executed** executed,
                                     cairn_error** error);
CAIRN_C_API cairn_status cairn_merge_new(cairn_store* store, const char* title,
                                         const char* const* issues, size_t count,
                                         const cairn_write_options* options,
                                         cairn_executed** executed, cairn_error** error);
/* Without issues: all that the view shows. */
CAIRN_C_API cairn_status cairn_unmerge(cairn_store* store, const char* view,
                                       const char* const* issues, size_t count,
                                       const cairn_write_options* options,
                                       cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_split(cairn_store* store, const char* issue,
                                     const char* const* fingerprints, size_t count,
                                     const cairn_write_options* options, cairn_executed** executed,
                                     cairn_error** error);
CAIRN_C_API cairn_status cairn_rejoin(cairn_store* store, const char* part,
                                      const cairn_write_options* options, cairn_executed** executed,
                                      cairn_error** error);

typedef enum cairn_resolution {
  CAIRN_RESOLVED_NOW = 0,
  CAIRN_RESOLVED_IN_RELEASE = 1, /* `version` */
  CAIRN_RESOLVED_IN_NEXT_RELEASE = 2,
  CAIRN_RESOLVED_IN_COMMIT = 3 /* `version` */
} cairn_resolution;
CAIRN_C_API cairn_status cairn_resolve(cairn_store* store, const char* issue, cairn_resolution how,
                                       const char* version, const cairn_write_options* options,
                                       cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_unresolve(cairn_store* store, const char* issue,
                                         const cairn_write_options* options,
                                         cairn_executed** executed, cairn_error** error);
/* Until one of these comes about; all zero: until it escalates. */
typedef struct cairn_snooze {
  size_t size;
  int forever;
  int64_t until_us;
  uint32_t count; /* occurrences from now on, within so many minutes (0 = in all) */
  uint32_t window_minutes;
  uint32_t users;
  uint32_t user_window_minutes;
} cairn_snooze;
#define CAIRN_SNOOZE_INIT \
  { sizeof(cairn_snooze), 0, 0, 0, 0, 0, 0 }
CAIRN_C_API cairn_status cairn_archive(cairn_store* store, const char* issue,
                                       const cairn_snooze* snooze,
                                       const cairn_write_options* options,
                                       cairn_executed** executed, cairn_error** error);
/* "user:ID", "team:ID"; NULL = nobody. */
CAIRN_C_API cairn_status cairn_assign(cairn_store* store, const char* issue, const char* assignee,
                                      const cairn_write_options* options, cairn_executed** executed,
                                      cairn_error** error);
/* "low", "medium", "high"; NULL = that of its type again. */
CAIRN_C_API cairn_status cairn_set_priority(cairn_store* store, const char* issue,
                                            const char* priority,
                                            const cairn_write_options* options,
                                            cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_add_note(cairn_store* store, const char* issue, const char* text,
                                        const cairn_write_options* options,
                                        cairn_executed** executed, cairn_error** error);
/* The slug that the short ids of a project begin with. */
CAIRN_C_API cairn_status cairn_set_project_slug(cairn_store* store, uint64_t project,
                                                const char* slug,
                                                const cairn_write_options* options,
                                                cairn_executed** executed, cairn_error** error);

/* Experiments: another grouping beside the one in use; rules: docs/query-language.md. */
CAIRN_C_API cairn_status cairn_experiment_new(cairn_store* store, const char* name,
                                              const cairn_write_options* options,
                                              cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_experiment_add(cairn_store* store, const char* name,
                                              const char* rule, const cairn_write_options* options,
                                              cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_experiment_promote(cairn_store* store, const char* name,
                                                  const cairn_write_options* options,
                                                  cairn_executed** executed, cairn_error** error);
CAIRN_C_API cairn_status cairn_experiment_drop(cairn_store* store, const char* name,
                                               const cairn_write_options* options,
                                               cairn_executed** executed, cairn_error** error);
/* A rule at once, if it moves no more than `limit` issues; its LSN takes it back. */
CAIRN_C_API cairn_status cairn_sweep(cairn_store* store, const char* rule, uint64_t limit,
                                     const cairn_write_options* options, cairn_executed** executed,
                                     cairn_error** error);
CAIRN_C_API cairn_status cairn_undo_regrouping(cairn_store* store, uint64_t lsn,
                                               const cairn_write_options* options,
                                               cairn_executed** executed, cairn_error** error);

/* --- asking ---------------------------------------------------------------------------------- */

/* Ends a call of another thread, CAIRN_CLOSED; until reset also later ones. */
typedef struct cairn_cancellation cairn_cancellation;
CAIRN_C_API cairn_cancellation* cairn_cancellation_new(void); /* NULL: out of memory */
CAIRN_C_API void cairn_cancel(cairn_cancellation* cancellation);
CAIRN_C_API void cairn_cancellation_reset(cairn_cancellation* cancellation);
CAIRN_C_API void cairn_cancellation_free(cairn_cancellation* cancellation);

typedef struct cairn_query_options {
  size_t size;
  const char* sort;   /* date, new, freq, user ...; NULL = the query's own */
  uint32_t limit;     /* rows; 0 = the query's own, else 25 issues */
  const char* cursor; /* of another page; NULL = the first */
  int64_t now_us;     /* what relative dates are relative to; 0 = the moment's */
  uint32_t trend_buckets;
  uint32_t trend_bucket_seconds;
  const char* user;  /* who `me` is */
  uint64_t limit_ms; /* these three: 0 = as much as it takes */
  uint64_t limit_memory_bytes;
  uint64_t limit_rows_examined;
  const cairn_cancellation* cancel;
} cairn_query_options;
#define CAIRN_QUERY_OPTIONS_INIT \
  { sizeof(cairn_query_options), NULL, 0, NULL, 0, 0, 0, NULL, 0, 0, 0, NULL }

/* The moment: now, a record, or a time; as an experiment groups. */
typedef struct cairn_moment {
  size_t size;
  uint64_t as_of_lsn;     /* 0 = not by record */
  int64_t as_of_us;       /* 0 = not by time */
  const char* experiment; /* NULL = as everybody sees it */
  uint64_t at_least;      /* CONFLICT when the store has not come so far */
} cairn_moment;
#define CAIRN_MOMENT_INIT \
  { sizeof(cairn_moment), 0, 0, NULL, 0 }

typedef struct cairn_issue {
  uint64_t id;
  const char* short_id;
  uint64_t project;
  const char* title;
  const char* status;
  const char* substatus; /* "" = none, like the next ones */
  const char* level;
  const char* priority;
  const char* assignee;
  uint32_t type;
  uint64_t times_seen;
  int64_t first_seen_us; /* without meaning when times_seen is 0 */
  int64_t last_seen_us;
  uint64_t count; /* of the matching occurrences, like the next ones */
  uint64_t users;
  const uint64_t* trend; /* oldest bucket first */
  size_t trend_size;
  const char* const* merged; /* short ids of what is shown within it */
  size_t merged_size;
} cairn_issue;

/* A snapshot: every answer is of one record. */
typedef struct cairn_snapshot cairn_snapshot;
CAIRN_C_API cairn_status cairn_snapshot_take(const cairn_store* store, const cairn_moment* moment,
                                             cairn_snapshot** snapshot, cairn_error** error);
CAIRN_C_API uint64_t cairn_snapshot_lsn(const cairn_snapshot* snapshot);
CAIRN_C_API void cairn_snapshot_free(cairn_snapshot* snapshot);

/* Issues that have a match. INVALID_ARGUMENT: the query, with its position. */
typedef struct cairn_page cairn_page;
CAIRN_C_API cairn_status cairn_search(const cairn_store* store, const char* query,
                                      const cairn_query_options* options,
                                      const cairn_moment* moment, cairn_page** page,
                                      cairn_error** error);
CAIRN_C_API cairn_status cairn_snapshot_search(const cairn_snapshot* snapshot, const char* query,
                                               const cairn_query_options* options,
                                               cairn_page** page, cairn_error** error);
/* One issue, with the counts of all its occurrences: a page of one. NOT_FOUND. */
CAIRN_C_API cairn_status cairn_snapshot_issue(const cairn_snapshot* snapshot, const char* issue,
                                              cairn_page** page, cairn_error** error);
CAIRN_C_API uint64_t cairn_page_lsn(const cairn_page* page);
CAIRN_C_API uint64_t cairn_page_total(const cairn_page* page); /* over all pages, exact */
CAIRN_C_API size_t cairn_page_size(const cairn_page* page);
/* NULL: index is too large. */
CAIRN_C_API const cairn_issue* cairn_page_issue(const cairn_page* page, size_t index);
CAIRN_C_API const char* cairn_page_next(const cairn_page* page); /* a cursor; "" = none */
CAIRN_C_API const char* cairn_page_prev(const cairn_page* page);
CAIRN_C_API void cairn_page_free(cairn_page* page);

/* For queries that end in a table: `| count() by release`. */
typedef struct cairn_table cairn_table;
typedef enum cairn_cell_kind {
  CAIRN_CELL_NONE = 0,
  CAIRN_CELL_INTEGER = 1,
  CAIRN_CELL_NUMBER = 2,
  CAIRN_CELL_TEXT = 3,
  CAIRN_CELL_TIME = 4, /* `integer`, in microseconds */
  CAIRN_CELL_TREND = 5 /* `trend`, oldest bucket first */
} cairn_cell_kind;
typedef struct cairn_cell {
  cairn_cell_kind kind;
  int64_t integer;
  double number;
  const char* text;
  const uint64_t* trend;
  size_t trend_size;
} cairn_cell;
CAIRN_C_API cairn_status cairn_aggregate(const cairn_store* store, const char* query,
                                         const cairn_query_options* options,
                                         const cairn_moment* moment, cairn_table** table,
                                         cairn_error** error);
CAIRN_C_API cairn_status cairn_snapshot_aggregate(const cairn_snapshot* snapshot, const char* query,
                                                  const cairn_query_options* options,
                                                  cairn_table** table, cairn_error** error);
CAIRN_C_API uint64_t cairn_table_lsn(const cairn_table* table);
CAIRN_C_API uint64_t cairn_table_total(const cairn_table* table); /* before the limit, exact */
CAIRN_C_API size_t cairn_table_rows(const cairn_table* table);
CAIRN_C_API size_t cairn_table_columns(const cairn_table* table);
CAIRN_C_API const char* cairn_table_column_name(const cairn_table* table, size_t column);
/* Outside the table: CAIRN_CELL_NONE. */
CAIRN_C_API cairn_cell cairn_table_cell(const cairn_table* table, size_t row, size_t column);
CAIRN_C_API void cairn_table_free(cairn_table* table);

/* Occurrences of an issue, newest first. `filter`: NULL = all. Of the options count limit, cursor,
 * now, limits and cancel. */
typedef struct cairn_events cairn_events;
typedef struct cairn_event {
  uint64_t lsn;
  int64_t time_us;
  const char* id;
  const char* issue; /* what shows it */
  const char* leaf;  /* the group that owns it */
  const char* json;  /* in the wire form */
} cairn_event;
CAIRN_C_API cairn_status cairn_snapshot_events(const cairn_snapshot* snapshot, const char* issue,
                                               const char* filter,
                                               const cairn_query_options* options,
                                               cairn_events** events, cairn_error** error);
CAIRN_C_API uint64_t cairn_events_total(const cairn_events* events);
CAIRN_C_API size_t cairn_events_size(const cairn_events* events);
CAIRN_C_API cairn_event cairn_events_event(const cairn_events* events, size_t index);
CAIRN_C_API const char* cairn_events_next(const cairn_events* events);
CAIRN_C_API void cairn_events_free(cairn_events* events);

/* What happened to an issue, oldest first. */
typedef struct cairn_history cairn_history;
typedef struct cairn_history_entry {
  uint64_t lsn;
  int64_t time_us;
  const char* actor; /* "" = the system */
  const char* issue;
  const char* what;
  const char* before;
  const char* after;
} cairn_history_entry;
CAIRN_C_API cairn_status cairn_snapshot_history(const cairn_snapshot* snapshot, const char* issue,
                                                cairn_history** history, cairn_error** error);
CAIRN_C_API size_t cairn_history_size(const cairn_history* history);
CAIRN_C_API cairn_history_entry cairn_history_at(const cairn_history* history, size_t index);
CAIRN_C_API void cairn_history_free(cairn_history* history);

/* A verb of the command line at this store, without the word for the store: with "--json" among the
 * words the answer is a JSON value. Returns CAIRN_OK also when the verb failed: see its exit code,
 * 0 done, 1 failed, 2 no such verb or option, 3 some input was refused. `user`: NULL = the system.
 */
typedef struct cairn_answer cairn_answer;
CAIRN_C_API cairn_status cairn_run(cairn_store* store, const char* const* words, size_t count,
                                   const char* user, const cairn_cancellation* cancel,
                                   cairn_answer** answer, cairn_error** error);
CAIRN_C_API int cairn_answer_exit_code(const cairn_answer* answer);
CAIRN_C_API const char* cairn_answer_out(const cairn_answer* answer);
CAIRN_C_API const char* cairn_answer_err(const cairn_answer* answer);
CAIRN_C_API void cairn_answer_free(cairn_answer* answer);

#ifdef __cplusplus
}
#endif

#endif
