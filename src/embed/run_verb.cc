#include "embed/run_verb.h"

#include <fmt/format.h>

#include "verbs/run.h"
#include "verbs/verb_table.h"

namespace cairn::embed {

Result<v1::Answer> run_verb(engine::Store& store, std::vector<std::string> words,
                            const v1::RunOptions& options) {
  const verbs::VerbHelp* help = words.empty() ? nullptr : verbs::find_verb(words.front());
  if (help != nullptr && help->usage.starts_with("STORE")) {
    words.insert(words.begin() + 1, "STORE");  // its name where a message needs one
  }
  v1::Answer answer;
  bool too_long = false;
  const auto collect = [&](std::string& into) -> verbs::Sink {
    return [&](std::string_view text) -> Result<void> {
      too_long =
          too_long || answer.out.size() + answer.err.size() + text.size() > v1::kMaxAnswerBytes;
      if (too_long) return make_error(ErrorCode::Closed, "the answer is too long");
      into += text;
      return {};
    };
  };
  verbs::LentAccess stores(store);
  verbs::NamedFiles files;  // none
  const verbs::Call call{
      .stores = stores,
      .files = files,
      .out = collect(answer.out),
      .err = collect(answer.err),
      .terminal = {},
      .user = options.user,
      .cancelled = options.cancel == nullptr ? nullptr : &options.cancel->flag()};
  answer.exit_code = verbs::run_words(words, call);
  if (too_long) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("the answer is longer than {} MiB: ask for less, by --limit or a "
                                  "narrower query",
                                  v1::kMaxAnswerBytes >> 20));
  }
  if (answer.exit_code == static_cast<int>(verbs::ExitCode::Interrupted)) {
    return make_error(ErrorCode::Closed, "cancelled");
  }
  return answer;
}

}  // namespace cairn::embed
