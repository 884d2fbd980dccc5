// What roles may do, so that nothing is offered that would be refused; the recorder decides again. Pure.
export const mayExport = (role?: string) => role === 'admin' || role === 'manager' || role === 'guard';
export const mayManage = (role?: string) => role === 'admin' || role === 'manager';
