// cairn as part of a program: an event-sourced store of issues. Start here; docs/embedding.md has
// the tour.
//
//   auto store = cairn::Store::open("shop.cairn");
//   if (!store) return fail(store.error());
//   auto done = store->submit_json(lines);
//   auto page = store->search("is:unresolved level:error");
//
// Contract of all of it:
// - Threads: every function of a Store may be called from any thread at any time, also while
//   another closes it (then: Closed). Writers that wait at the same time share one fdatasync. A
//   Snapshot belongs to the thread that took it; one that stays while others write costs memory for
//   a copy of the state.
// - Durability: what a writing function answered is on disk.
// - Errors: all come as Result, see result.h. Every function may give Io, Exhausted (disk, memory,
//   a limit), Corruption, Closed and Internal; others stand beside it.
// - A failed write, or a bug that cairn finds in itself, stops the store: every later call answers
//   Closed until it is opened again. The process goes on.
// - Nothing is written to the terminal, no signal handler is set, and no memory allocator replaced.
//   No state is shared between stores but one list that keeps a process from opening the same
//   directory twice, which would cost LMDB its locks.
// - fork(): a child must not use, close or destroy stores of its parent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/commands.h"
#include "cairn/result.h"
#include "cairn/types.h"

namespace cairn {
namespace embed {
struct StoreCore;
struct SnapshotCore;
}  // namespace embed

CAIRN_VERSIONED namespace v1 {
  // "0.1.0", of the library that runs; static.
  CAIRN_API const char* version() noexcept;

  // Of one call of submit() and submit_json(): beyond, Exhausted and nothing is stored.
  inline constexpr std::size_t kMaxSubmitBytes = std::size_t{64} << 20;
  inline constexpr std::size_t kMaxSubmitLines = std::size_t{1} << 16;

  // Of Store::run(), out and err together.
  inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20;

  // One moment of the store: every answer is of the same record, whatever is written meanwhile.
  //
  // Ownership: keeps the store open. Thread: that which took it, also for the end of its life;
  // other threads get Conflict. One that stays costs those who write a copy of the state, beside
  // several they wait, so take it for one answer and let it go; a thread that holds one gets
  // Conflict when it writes.
  class CAIRN_API Snapshot {
   public:
    Snapshot(Snapshot&&) noexcept;
    Snapshot& operator=(Snapshot&&) noexcept;
    ~Snapshot();

    Lsn lsn() const noexcept;  // 0: moved from

    // Issues that have a match. InvalidArgument: the query, with its position; or it asks for a
    // table.
    Result<IssuePage> search(std::string_view query,
                             const QueryOptions& options = {}) const noexcept;
    // For queries that end in a table: `| count() by release`. InvalidArgument: as above.
    Result<Table> aggregate(std::string_view query,
                            const QueryOptions& options = {}) const noexcept;
    // Whether a query is for aggregate(). InvalidArgument: it is none.
    static Result<bool> is_aggregate(std::string_view query) noexcept;

    // One issue, whatever its state, with the counts of all its occurrences. NotFound.
    Result<Issue> issue(std::string_view reference) const noexcept;
    // Its occurrences, newest first. NotFound, InvalidArgument (the filter).
    Result<EventPage> events(std::string_view issue,
                             const EventOptions& options = {}) const noexcept;
    // What happened to it, oldest first. NotFound.
    Result<std::vector<HistoryEntry>> history(std::string_view issue) const noexcept;
    // Matching occurrences in the order of their records, until `visit` returns false, which must
    // not throw.
    Result<void> for_each_event(std::string_view filter, const QueryOptions& options,
                                const std::function<bool(const Event&)>& visit) const noexcept;

    Result<std::vector<Experiment>> experiments() const noexcept;
    // From one grouping to another; "" = the one in use. NotFound.
    Result<Comparison> compare(std::string_view before, std::string_view after) const noexcept;

   private:
    friend class Store;
    explicit Snapshot(std::unique_ptr<embed::SnapshotCore> core) noexcept;
    std::unique_ptr<embed::SnapshotCore> core_;
  };

  // An open store. One process writes at a time; any number read beside it.
  class CAIRN_API Store {
   public:
    // NotFound: there is none (and `create` is false, or it is for reading). Conflict: another
    // process writes, or this one has it open. Unsupported: of a newer version.
    static Result<Store> open(const std::string& directory, const OpenOptions& options = {},
                              OpenReport* report = nullptr) noexcept;
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;
    // Closes; what close() would have said is lost. With snapshots left, the last of them closes.
    ~Store();

    // Lines in the wire form (docs/wire-format.md), separated by newlines; blank ones are passed
    // over. Each is stored, known already or refused on its own: see Submitted::items. Returns when
    // all that was stored is durable. Exhausted: too much for one call.
    Result<Submitted> submit_json(std::string_view lines,
                                  const SubmitOptions& options = {}) noexcept;
    Result<Submitted> submit(const std::vector<Occurrence>& occurrences,
                             const SubmitOptions& options = {}) noexcept;

    // NotFound: what it names. InvalidArgument: it makes no sense. Conflict: the state forbids it,
    // or, of a rule, was changed by another thread while the rule was evaluated: try again.
    Result<Executed> execute(const Command& command, const WriteOptions& options = {}) noexcept;
    // Lets happen what time alone brings by now (snoozes that end ...). Writes do so, too, once a
    // minute at most. NoChange: nothing was due.
    Result<Executed> tick() noexcept;

    // NotFound: the experiment; or retention removed that past. Conflict: `at_least`.
    // InvalidArgument: a record that is not there yet.
    Result<Snapshot> snapshot(const SnapshotOptions& options = {}) const noexcept;
    // The same with one snapshot for the call. A page by cursor is of the moment of its first page,
    // however much was written since; Exhausted or NotFound when that is too long ago.
    Result<IssuePage> search(std::string_view query, const QueryOptions& options = {},
                             const SnapshotOptions& at = {}) const noexcept;
    Result<Table> aggregate(std::string_view query, const QueryOptions& options = {},
                            const SnapshotOptions& at = {}) const noexcept;

    // A verb of the command line at this store, as `cairn help` lists them, without the word for
    // the
    // store: {"query", "is:unresolved", "--json"}. What goes wrong in the verb is in the answer.
    // Unsupported (there): verbs about the files of a store, and those that read input where they
    // are typed. Exhausted: more than kMaxAnswerBytes.
    Result<Answer> run(const std::vector<std::string>& words,
                       const RunOptions& options = {}) noexcept;

    // For a store that is open for reading: it shows the moment when it was opened; this opens it
    // again. Conflict: snapshots of it live. Of a store for writing: nothing to do.
    Result<void> refresh() noexcept;

    Result<Stats> stats() const noexcept;
    // Writes what is in memory to the index; opening is quicker afterwards.
    Result<void> checkpoint() noexcept;
    // Copies the log up to now into another directory, which grows from one backup to the next.
    // Conflict: it holds something else. `cairn restore` makes a store of it.
    Result<void> backup(const std::string& destination) const noexcept;
    // Waits for calls of other threads. Conflict: snapshots of it live. Closing twice is success.
    Result<void> close() noexcept;

   private:
    explicit Store(std::shared_ptr<embed::StoreCore> core) noexcept;
    std::shared_ptr<embed::StoreCore> core_;
  };

}  // namespace v1
}  // namespace cairn
