// What a command typed at the REPL does, apart from how it was typed and where it is shown: verbs
// without their store, queries, and commands that begin with a backslash.
//
// Thread: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/repl_backend.h"

namespace cairn::client {

// What \timing, \json, \as-of and \in have set.
struct ReplSettings {
  bool timing = false;
  bool json = false;
  std::string as_of;       // "" = now
  std::string experiment;  // "" = the grouping in use
};

class ReplSession {
 public:
  // Borrows the backend. `store` is what verbs get for their store.
  ReplSession(ReplBackend& backend, std::string store)
      : backend_(backend), store_(std::move(store)) {}

  // One command, whole. Returns its exit code, as the command line has it; 0 for none at all.
  int run(std::string_view text, const ReplIo& io);
  bool ended() const { return ended_; }  // \quit was given
  const ReplSettings& settings() const { return settings_; }
  const std::string& store() const { return store_; }
  // "shop.cairn as of 2026-10-01> "
  std::string prompt() const;

 private:
  int run_verb(std::string_view line, const std::string& verb, const ReplIo& io);
  int run_words(std::vector<std::string> words, const ReplIo& io);
  int run_paged(const std::vector<std::string>& words, const ReplIo& io);
  int more(const ReplIo& io);
  int run_again(std::string_view text, const ReplIo& io);
  int run_setting(std::string_view text, const ReplIo& io);
  int set_switch(bool& value, std::string_view name, const std::string& to, const ReplIo& io);
  int try_query(const std::string& option, const std::string& value, const ReplIo& io);
  int set_moment(const std::string& to, const ReplIo& io);
  int set_experiment(const std::string& to, const ReplIo& io);
  int watch(const std::vector<std::string>& words, const ReplIo& io);
  int help(const std::vector<std::string>& words, const ReplIo& io);

  ReplBackend& backend_;
  const std::string store_;
  ReplSettings settings_;
  std::string last_;                // the command that \watch repeats
  std::vector<std::string> paged_;  // what \more goes on with: words without a cursor
  std::string next_;                // and its cursor; "" = there is no more
  bool ended_ = false;
};

// The commands that begin with a backslash, for completion: their names.
std::vector<std::string_view> setting_names();

}  // namespace cairn::client
