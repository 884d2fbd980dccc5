import{a as s,b as m,l as d}from"./part-RIRFS6HY.js";import{c as u}from"./part-IAWYZLG6.js";function y(){let[t,e]=u(!1),[n,r]=u("");return{busy:t,error:n,go:async o=>{e(!0),r("");try{return await o(),!0}catch(i){return r(i.message),!1}finally{e(!1)}}}}function v({error:t}){return s`<div role="alert">${t&&s`<p class="form-error"><${m} name="warn" />${t}</p>`}</div>`}function x({title:t,verb:e,keep:n="Leave it",waits:r="Asking…",danger:a=!0,ready:o=!0,act:i,onClose:l,children:f,testid:p}){let{busy:c,error:$,go:g}=y();return s`<${d} title=${t} onClose=${l} testid="${p}-dialog">
    <form class="ask" onSubmit=${async b=>{b.preventDefault(),await g(i)&&l()}}>
      ${f}
      <${v} error=${$} />
      <div class="dialog-foot">
        <button type="button" class="button" onClick=${l}>${n}</button>
        <button type="submit" class="button ${a?"danger":"primary"}" disabled=${c||!o} data-testid="${p}-confirm">${c?r:e}</button>
      </div>
    </form>
  <//>`}function T({phrase:t,typed:e,onType:n,children:r,testid:a}){return s`<label class="field"><span>Type <b class="mono">${t}</b> ${r}</span>
    <input value=${e} onInput=${o=>n(o.target.value)} autocomplete="off" autocapitalize="off" spellcheck=${!1} data-testid=${a} /></label>`}export{y as a,v as b,x as c,T as d};
