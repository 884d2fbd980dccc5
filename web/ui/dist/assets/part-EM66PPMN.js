var n=a=>a==="admin"||a==="manager"||a==="guard",t=a=>a==="admin"||a==="manager";export{n as a,t as b};
