// Requests of the gateway as command lines, and their answers as HTTP. Values; thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/gate.h"

namespace cairn::server {

// The body of POST /v1/query: an object with "query" and, as they are wished, "sort", "limit",
// "cursor", "as_of", "in", "now", "at_least", "as", "team" (a list), "timeout". InvalidArgument:
// what is wrong with it.
Result<std::vector<std::string>> query_words(std::string_view body);

// The body of POST /v1/verbs/{verb}: {"args": ["SHOP-1", ...]}. The word for the store is put in
// front of them.
Result<std::vector<std::string>> verb_words(std::string_view verb, std::string_view body);

// Rules that come as the body, "-": new ones, what `rule` is to be, or one to be tested. `query`:
// the query string, of which options are taken: actor and key, or last, from, to and limit of a
// test. InvalidArgument: there is no such parameter.
Result<std::vector<std::string>> alert_words(bool test, const std::string& rule,
                                             std::string_view query);

// A member of a query string; nullopt: not there, or not well formed.
std::optional<std::string> url_parameter(std::string_view query, std::string_view name);
// "a%20b" -> "a b"; nullopt: not well formed.
std::optional<std::string> decode_url(std::string_view text);

// The status for what a verb printed: by its exit code and the error's code.
int http_status(int exit_code, std::string_view json);
int http_status(const Refusal& refusal);

}  // namespace cairn::server
