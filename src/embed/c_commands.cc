// cairn.h: what writes.
#include "embed/c_handles.h"

using namespace cairn::c;  // NOLINT: the functions below have no namespace of their own

namespace {

cairn_status execute(cairn_store* store, const cairn::Command& command,
                     const cairn_write_options* options, cairn_executed** executed,
                     cairn_error** error) noexcept {
  return make(executed, error,
              [&] { return store->store.execute(command, write_options(options)); });
}

std::vector<std::string> texts(const char* const* from, size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) out.push_back(text(from[i]));
  return out;
}

// Makes the command within what catches a lack of memory.
template <class Make>
cairn_status execute_made(cairn_store* store, const cairn_write_options* options,
                          cairn_executed** executed, cairn_error** error, Make&& make) noexcept {
  if (executed != nullptr) *executed = nullptr;
  return guard(error, [&] { return execute(store, make(), options, executed, error); });
}

}  // namespace

// --- lines --------------------------------------------------------------------------------------

cairn_status cairn_submit_json(cairn_store* store, const char* lines, size_t bytes,
                               const char* actor, cairn_submitted** submitted,
                               cairn_error** error) {
  return make(submitted, error, [&] {
    cairn::SubmitOptions options;
    options.actor = text(actor);
    return store->store.submit_json({lines, bytes}, options);
  });
}

cairn_submit_counts cairn_submitted_counts(const cairn_submitted* submitted) {
  const cairn::Submitted& done = submitted->value;
  return {done.lsn, done.stored, done.duplicates, done.no_change, done.references, done.refused};
}
size_t cairn_submitted_size(const cairn_submitted* submitted) {
  return submitted->value.items.size();
}
cairn_item cairn_submitted_item(const cairn_submitted* submitted, size_t index) {
  cairn_item out{0, CAIRN_REFUSED, 0, CAIRN_NOT_FOUND, "", -1};
  if (index >= submitted->value.items.size()) return out;
  const cairn::SubmittedItem& item = submitted->value.items[index];
  out.line = item.line;
  out.outcome = static_cast<cairn_outcome>(item.outcome);
  out.lsn = item.lsn;
  out.status = CAIRN_OK;
  if (!item.error) return out;
  out.status = static_cast<cairn_status>(item.error->code);
  out.message = item.error->message.c_str();
  if (item.error->position) out.position = *item.error->position;
  return out;
}
void cairn_submitted_free(cairn_submitted* submitted) { delete submitted; }

// --- what a command did -------------------------------------------------------------------------

uint64_t cairn_executed_lsn(const cairn_executed* executed) { return executed->value.lsn; }
cairn_outcome cairn_executed_outcome(const cairn_executed* executed) {
  return static_cast<cairn_outcome>(executed->value.outcome);
}
const char* cairn_executed_issue(const cairn_executed* executed) {
  return executed->value.issue.c_str();
}
size_t cairn_executed_size(const cairn_executed* executed) { return executed->value.issues.size(); }
const char* cairn_executed_name(const cairn_executed* executed, size_t index) {
  return index < executed->value.issues.size() ? executed->value.issues[index].c_str() : "";
}
void cairn_executed_free(cairn_executed* executed) { delete executed; }

// --- commands -----------------------------------------------------------------------------------

cairn_status cairn_merge(cairn_store* store, const char* into, const char* const* issues,
                         size_t count, const cairn_write_options* options,
                         cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Merge{text(into), texts(issues, count)};
  });
}

cairn_status cairn_merge_new(cairn_store* store, const char* title, const char* const* issues,
                             size_t count, const cairn_write_options* options,
                             cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::MergeNew{text(title), texts(issues, count)};
  });
}

cairn_status cairn_unmerge(cairn_store* store, const char* view, const char* const* issues,
                           size_t count, const cairn_write_options* options,
                           cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Unmerge{text(view), texts(issues, count), 0};
  });
}

cairn_status cairn_split(cairn_store* store, const char* issue, const char* const* fingerprints,
                         size_t count, const cairn_write_options* options,
                         cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Split{text(issue), texts(fingerprints, count)};
  });
}

cairn_status cairn_rejoin(cairn_store* store, const char* part, const cairn_write_options* options,
                          cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] { return cairn::Rejoin{text(part)}; });
}

cairn_status cairn_resolve(cairn_store* store, const char* issue, cairn_resolution how,
                           const char* version, const cairn_write_options* options,
                           cairn_executed** executed, cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Resolve{text(issue), static_cast<cairn::Resolve::How>(how), text(version)};
  });
}

cairn_status cairn_unresolve(cairn_store* store, const char* issue,
                             const cairn_write_options* options, cairn_executed** executed,
                             cairn_error** error) {
  return execute_made(store, options, executed, error,
                      [&] { return cairn::Unresolve{text(issue)}; });
}

cairn_status cairn_archive(cairn_store* store, const char* issue, const cairn_snooze* snooze,
                           const cairn_write_options* options, cairn_executed** executed,
                           cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    const cairn_snooze terms = complete(snooze);
    cairn::Archive wish;
    wish.issue = text(issue);
    wish.forever = terms.forever != 0;
    if (terms.until_us != 0) wish.until = cairn::Time(std::chrono::microseconds(terms.until_us));
    wish.count = terms.count;
    wish.window_minutes = terms.window_minutes;
    wish.users = terms.users;
    wish.user_window_minutes = terms.user_window_minutes;
    return wish;
  });
}

cairn_status cairn_assign(cairn_store* store, const char* issue, const char* assignee,
                          const cairn_write_options* options, cairn_executed** executed,
                          cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Assign{text(issue), text(assignee)};
  });
}

cairn_status cairn_set_priority(cairn_store* store, const char* issue, const char* priority,
                                const cairn_write_options* options, cairn_executed** executed,
                                cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::SetPriority{text(issue), text(priority)};
  });
}

cairn_status cairn_add_note(cairn_store* store, const char* issue, const char* note,
                            const cairn_write_options* options, cairn_executed** executed,
                            cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Note{text(issue), 0, text(note)};
  });
}

cairn_status cairn_set_project_slug(cairn_store* store, uint64_t project, const char* slug,
                                    const cairn_write_options* options, cairn_executed** executed,
                                    cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    cairn::SetProject wish;
    wish.project = project;
    wish.slug = text(slug);
    return wish;
  });
}

// --- experiments --------------------------------------------------------------------------------

cairn_status cairn_experiment_new(cairn_store* store, const char* name,
                                  const cairn_write_options* options, cairn_executed** executed,
                                  cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::NewExperiment{text(name), 0};
  });
}

cairn_status cairn_experiment_add(cairn_store* store, const char* name, const char* rule,
                                  const cairn_write_options* options, cairn_executed** executed,
                                  cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::AddRule{text(name), text(rule)};
  });
}

cairn_status cairn_experiment_promote(cairn_store* store, const char* name,
                                      const cairn_write_options* options, cairn_executed** executed,
                                      cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::PromoteExperiment{text(name), false};
  });
}

cairn_status cairn_experiment_drop(cairn_store* store, const char* name,
                                   const cairn_write_options* options, cairn_executed** executed,
                                   cairn_error** error) {
  return execute_made(store, options, executed, error,
                      [&] { return cairn::DropExperiment{text(name)}; });
}

cairn_status cairn_sweep(cairn_store* store, const char* rule, uint64_t limit,
                         const cairn_write_options* options, cairn_executed** executed,
                         cairn_error** error) {
  return execute_made(store, options, executed, error, [&] {
    return cairn::Sweep{text(rule), limit};
  });
}

cairn_status cairn_undo_regrouping(cairn_store* store, uint64_t lsn,
                                   const cairn_write_options* options, cairn_executed** executed,
                                   cairn_error** error) {
  return execute_made(store, options, executed, error, [&] { return cairn::UndoRegrouping{lsn}; });
}

// --- any verb -----------------------------------------------------------------------------------

cairn_status cairn_run(cairn_store* store, const char* const* words, size_t count, const char* user,
                       const cairn_cancellation* cancel, cairn_answer** answer,
                       cairn_error** error) {
  return make(answer, error, [&] {
    cairn::RunOptions options;
    options.user = text(user);
    if (cancel != nullptr) options.cancel = &cancel->flag;
    return store->store.run(texts(words, count), options);
  });
}

int cairn_answer_exit_code(const cairn_answer* answer) { return answer->value.exit_code; }
const char* cairn_answer_out(const cairn_answer* answer) { return answer->value.out.c_str(); }
const char* cairn_answer_err(const cairn_answer* answer) { return answer->value.err.c_str(); }
void cairn_answer_free(cairn_answer* answer) { delete answer; }
