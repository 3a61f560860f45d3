// What `alert STORE ...` does, apart by file. Private to the verb.
#pragma once

#include <optional>

#include "base/clock.h"
#include "engine/store.h"
#include "verbs/alert_arguments.h"
#include "verbs/context.h"
#include "verbs/verbs.h"

namespace cairn::verbs {

// A store to change, at the time it is or that was given (on a directory).
class AlertWriting {
 public:
  static Result<std::unique_ptr<AlertWriting>> open(const AlertArguments& arguments,
                                                    Context& context);
  engine::Store& operator*() const { return **writing_; }
  engine::Store* operator->() const { return &**writing_; }
  Result<void> finish() { return writing_->finish(); }
  // One command: what became of it, or why it was refused.
  struct Done {
    engine::ExecuteResult result;
    uint32_t rule = 0;
  };
  Result<Done> execute(const alert::AlertCommand& command, const WriterArguments& writer);

 private:
  std::optional<ManualClock> clock_;
  std::optional<Writing> writing_;
};

// alert_rules.cc
VerbResult add_rules(const AlertArguments& arguments, Context& context);
VerbResult list_rules(const AlertArguments& arguments, Context& context);
VerbResult show_rule(const AlertArguments& arguments, Context& context);
VerbResult change_rule(const AlertArguments& arguments, Context& context);
VerbResult pause_rule(const AlertArguments& arguments, Context& context);
VerbResult remove_rule(const AlertArguments& arguments, Context& context);
// alert_incidents.cc
VerbResult list_incidents(const AlertArguments& arguments, Context& context);
VerbResult show_incident(const AlertArguments& arguments, Context& context);
VerbResult change_incident(const AlertArguments& arguments, Context& context);
VerbResult tick_alerts(const AlertArguments& arguments, Context& context);
VerbResult alert_stats(const AlertArguments& arguments, Context& context);
// alert_explain.cc
VerbResult explain_rule(const AlertArguments& arguments, Context& context);

}  // namespace cairn::verbs
