// Help at the REPL: its own commands, and the constructs of the query language.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::client {

// What \help prints.
std::string repl_overview();
// About a construct of the query language, by one of its names; nullopt: it is none.
std::optional<std::string> construct_help(std::string_view name);
std::vector<std::string_view> construct_names();

}  // namespace cairn::client
