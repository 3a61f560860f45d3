// What may be typed next at the REPL: verbs and their options, issues, fields and their values.
// What only the store knows is asked of it, for a moment at most, and kept for a while.
//
// Thread: that of the session.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/line_editor.h"
#include "client/repl_backend.h"
#include "client/repl_session.h"

namespace cairn::client {

class ReplCompleter {
 public:
  // Borrows both. The terminal is as for scripts.
  ReplCompleter(ReplBackend& backend, const ReplSession& session)
      : backend_(backend), session_(session) {}

  // `text`: the command up to the cursor, earlier lines along.
  Completions complete(std::string_view text);

 private:
  struct Field {
    std::string name;
    std::string type;
    std::vector<std::string> examples;
  };
  struct Values {
    std::chrono::steady_clock::time_point asked;
    std::vector<std::string> texts;
  };

  Completions complete_setting(std::string_view text);
  Completions complete_verb(const std::string& verb, std::string_view text);
  Completions complete_query(std::string_view text, size_t begin);
  Completions complete_stage(std::string_view text, size_t begin, size_t word);
  std::vector<std::string> options_of(const std::string& verb);
  const std::vector<Field>& fields();
  std::vector<std::string> field_names(std::string_view behind);
  std::vector<std::string> values_of(std::string_view field);
  std::vector<std::string> issues();
  std::vector<std::string> experiments();
  // The JSON answer to a question that may take a second; "" when there is none.
  std::string ask(std::vector<std::string> words);
  std::vector<std::string> remembered(const std::string& key,
                                      const std::function<std::vector<std::string>()>& find);

  ReplBackend& backend_;
  const ReplSession& session_;
  std::vector<Field> fields_;
  std::chrono::steady_clock::time_point fields_asked_{};
  std::map<std::string, Values> values_;
};

}  // namespace cairn::client
