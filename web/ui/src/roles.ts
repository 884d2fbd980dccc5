// What roles may do, so that nothing is offered or asked for that would be refused; the recorder decides again. Pure.
export const mayExport = (role?: string) => role === 'admin' || role === 'manager' || role === 'guard';
export const mayManage = (role?: string) => role === 'admin' || role === 'manager';
/** mayReport: trigger a recording by hand. */
export const mayReport = (role?: string) => role === 'admin' || role === 'manager';
export const mayOperate = (role?: string) => role === 'admin';

/** mayAdd tells whether somebody may add cameras: whoever sees some of them alone may not. */
export const mayAdd = (who?: { role?: string; cameras?: string[] } | null) => mayManage(who?.role) && !who?.cameras;
