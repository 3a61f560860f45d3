// What people and rules do to issues: plain values for Store::execute().
//
// An issue is named by its short id ("SHOP-3K", also of a hidden one), or by a fingerprint that
// decided it: "PROJECT:fingerprint:F", PROJECT a number or slug, is the issue that shows it now.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cairn/types.h"

namespace cairn {
CAIRN_VERSIONED namespace v1 {
  // `into` shows the others from now on. Nothing of them is lost while they are hidden.
  struct Merge {
    std::string into;
    std::vector<std::string> issues;
  };
  // A new issue, with a short id of its own (Executed::issue), that shows these.
  struct MergeNew {
    std::string title;
    std::vector<std::string> issues;
  };
  struct Unmerge {
    std::string view;
    std::vector<std::string> issues;  // empty = all that it shows
    std::uint32_t nth_last = 0;       // 1 = what the last merge into it brought; 0 = by `issues`
  };
  // Fingerprints become an issue of their own (Executed::issue).
  struct Split {
    std::string issue;
    std::vector<std::string> fingerprints;
  };
  // Undoes a split: what the part has by now goes back.
  struct Rejoin {
    std::string part;
  };

  struct Resolve {
    enum class How : std::uint8_t { Now, InRelease, InNextRelease, InCommit };
    std::string issue;
    How how = How::Now;
    std::string version;  // of InRelease: the release; of InCommit: the commit
  };
  struct Unresolve {
    std::string issue;
  };
  // Until one of these comes about; nothing given: until it escalates.
  struct Archive {
    std::string issue;
    bool forever = false;
    std::optional<Time> until;
    std::uint32_t count = 0;           // occurrences from now on
    std::uint32_t window_minutes = 0;  // of `count`: so many within such a time
    std::uint32_t users = 0;           // distinct users from now on
    std::uint32_t user_window_minutes = 0;
  };
  struct Assign {
    std::string issue;
    std::string assignee;  // user:ID, team:ID; "" = nobody
  };
  struct SetPriority {
    std::string issue;
    std::string priority;  // low, medium, high; "" = that of its type again
  };
  // Adds a note (`note` 0), edits it, or removes it (`text` empty).
  struct Note {
    std::string issue;
    std::uint32_t note = 0;
    std::string text;
  };
  struct Attention {
    enum class What : std::uint8_t { Bookmarked, Subscribed, Seen, Reviewed };
    std::string issue;
    What what = What::Seen;
    std::string who;  // user:ID or team:ID; not of Reviewed
    bool on = true;
  };
  // An issue's entry in another system.
  struct Link {
    std::string issue;
    std::string url;
    std::string title;
    bool removed = false;
  };
  // Of an issue and all that is merged into it: Deleted is for good, Discarded counts on unseen.
  struct SetStanding {
    enum class Standing : std::uint8_t { Kept, Deleted, Discarded };
    std::string issue;
    Standing standing = Standing::Kept;
  };

  // What is not given stays as it is.
  struct SetProject {
    std::uint64_t project = 0;
    std::optional<std::string> slug;    // of its short ids
    std::optional<std::string> policy;  // first, known
    std::optional<std::uint32_t> auto_resolve_hours;
    std::optional<std::uint32_t> escalation_threshold;
    std::optional<bool> hold_back;
  };
  struct SetRelease {
    std::uint64_t project = 0;
    std::string version;
    std::optional<Time> date;
    std::vector<std::string> commits;
  };

  struct NewExperiment {
    std::string name;
    Lsn at = 0;  // its rules are evaluated as of this record; 0 = on the present
  };
  // "merge where QUERY by KEY", "unmerge ...": docs/query-language.md, Rules.
  struct AddRule {
    std::string experiment;
    std::string rule;
  };
  struct PromoteExperiment {
    std::string name;
    bool rebase = false;  // even where its facts do not mean any more what they meant
  };
  struct DropExperiment {
    std::string name;
  };
  // Applies a rule at once. UndoRegrouping takes back what still stands of it.
  struct Sweep {
    std::string rule;
    std::uint64_t limit = 10'000;  // issues it may move; Exhausted beyond, and nothing is done
  };
  struct UndoRegrouping {
    Lsn lsn = 0;  // Executed::lsn of a sweep, a promotion or an undo
  };

  using Command = std::variant<Merge, MergeNew, Unmerge, Split, Rejoin, Resolve, Unresolve, Archive,
                               Assign, SetPriority, Note, Attention, Link, SetStanding, SetProject,
                               SetRelease, NewExperiment, AddRule, PromoteExperiment,
                               DropExperiment, Sweep, UndoRegrouping>;

  struct Executed {
    Lsn lsn = 0;
    Outcome outcome = Outcome::Stored;  // Stored, Duplicate or NoChange
    // The issue that it is about: what shows the merged, the new one, the part of a split.
    std::string issue;
    std::vector<std::string> issues;  // merged, or taken out again
  };

}  // namespace v1
}  // namespace cairn
