// What a verb needs: which right, where it can run, and which files of who calls. Tables by type,
// so that a verb without an entry does not compile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "verbs/arguments.h"

namespace cairn::verbs {

// What a caller may do. Each stands for itself, only that Admin is all of them.
enum class Scope : uint8_t {
  Read,    // ask
  Triage,  // merge, unmerge, split, workflow, experiments, sweeps, incidents
  Ingest,  // bring occurrences and other messages in
  Admin,   // projects, types, releases, rules of alerts, retention, compaction
};
inline constexpr size_t kScopes = 4;
std::string_view scope_name(Scope scope);
std::optional<Scope> parse_scope(std::string_view name);

enum class Place : uint8_t {
  Store,      // wherever the store is: in this process or at a server
  Directory,  // works on a store's files: where the directory is
  Caller,     // where it is typed: reads input there, or has no store
};

struct Demand {
  Scope scope{};
  Place place{};
};
Demand demand_of(const VerbArguments& verb);

// The word that names the store; "" = the verb has none.
const std::string& store_of(const VerbArguments& verb);

// Files of who calls that a verb at the store reads, adds to and writes anew.
struct FileNeeds {
  std::vector<std::string> read;
  std::vector<std::string> added_to;
  std::vector<std::string> replaced;
};
FileNeeds files_of(const VerbArguments& verb);

// Who may do what. Value; the default may do everything.
struct Rights {
  uint8_t scopes = 1u << static_cast<uint8_t>(Scope::Admin);  // bit 1 << Scope
  std::vector<ProjectId> projects;                            // empty = all

  bool allow(Scope scope) const;
  bool allow(ProjectId project) const;
  bool operator==(const Rights&) const = default;
};

// Denied: says which scope is missing, or that the verb cannot be limited to projects.
Result<void> check_rights(const Rights& rights, Scope scope, std::string_view verb);

}  // namespace cairn::verbs
